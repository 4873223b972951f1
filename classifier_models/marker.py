"""How our own model calls can be recognised, also when a gateway reports its traffic back to us.

A gateway may tell them by the header and report nothing. What it does report, recording recognises by the first line of
the system message; a decision model is asked without one and carries the line at the head of its `state`.

Both can be forged, the header by whoever calls a gateway that reports to us, the line by whoever writes a system prompt:
such a call is not classified and its usage not counted here, as if it had not been reported; the gateway's own books
have it, and it stands in `classifications` with the reason `own_call`.
"""

OWN_CALL_HEADER = "X-Aftertag-Own-Call"
OWN_CALL_LINE = "[aftertag own call]"
