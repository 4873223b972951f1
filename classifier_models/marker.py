"""How our own model calls can be recognised, also when a gateway reports its traffic back to us.

Recording looks for either mark: the header, or the first line of the system message.
"""

OWN_CALL_HEADER = "X-Aftertag-Own-Call"
OWN_CALL_LINE = "[aftertag own call]"
