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

A call has the mark of its installation, a random text in its database that is the same in every call, so that prompt
caches hit. Who writes the form of a mark without knowing it has a call recorded among generations with its usage and
cost, like any, and not classified (`unproven_own_call`): it may be another installation's, and two of them behind one
gateway must not ask about each other's calls for ever. The mark is seen by whoever sees our calls, which are the
providers, the gateway and its logs: who copies it from there can hide a call's usage from this installation's books.
"""

from collections.abc import Mapping

OWN_CALL_HEADER = "X-Aftertag-Own-Call"


def headers(mark: str) -> Mapping[str, str]:
    """The headers by which a call says whose it is."""
    return {OWN_CALL_HEADER: mark, "User-Agent": f"aftertag-own-call/{mark}"}


def line(mark: str) -> str:
    """The first line of the system message."""
    return f"[aftertag own call {mark}]"


def trace(mark: str) -> Mapping[str, str]:
    """What an endpoint that takes a `trace` is given in it."""
    return {"aftertag_own_call": mark}
