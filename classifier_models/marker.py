"""How our own model calls can be recognised, also when a gateway reports its traffic back to us.

A gateway may tell them by the header and report nothing. What it does report, recording recognises by the first line of
the system message; a decision model is asked without one and carries the line at the head of its `state`.
"""

OWN_CALL_HEADER = "X-Aftertag-Own-Call"
OWN_CALL_LINE = "[aftertag own call]"
