"""How our own model calls can be recognised, also when a gateway reports its traffic back to us.

Every call says it several times, because gateways hide different things from their reports: in a header and in the
`User-Agent`, which LiteLLM reports also where it hides all text (`turn_off_message_logging`) and on its spans; in the
first line of the system message, for whoever reports text and no headers; and where the endpoint is known to take one,
in a field for the gateway's own records: OpenRouter reports its `trace` in privacy mode, too. A decision model is asked
without a system message and carries the line at the head of its `state`.

What hides all of these is not recognised, such as a LiteLLM with `metadata`, `request_tags` and `messages` among its
`standard_logging_payload_excluded_fields`: such a call stands among generations, and its cost a second time in spend.
It makes no loop, since nobody asks about a generation without text. Have the gateway report nothing of the key that our
endpoint has.

All of them can be forged, by whoever calls a gateway that reports to us or writes a system prompt: such a call is not
classified and its usage not counted here, as if it had not been reported; the gateway's own books have it, and it
stands in `classifications` with the reason `own_call`.
"""

OWN_CALL_HEADER = "X-Aftertag-Own-Call"
OWN_CALL_AGENT = "aftertag-own-call/1"
OWN_CALL_LINE = "[aftertag own call]"
OWN_CALL_TRACE = {"aftertag_own_call": "1"}
