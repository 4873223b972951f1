"""Which generations are calls of classifiers that a gateway reports back: of our own or another's, and never classified."""

from hmac import compare_digest

from api_hooks.wire import own_calls
from worker.generation import Generation
from worker.reasons import Reason


def mark_of(found: Generation) -> str | None:
    """The mark of a classifier's own call, where a gateway told us of one or the system message begins with it.

    Never what a user said: a prompt that begins like ours would go unclassified. So a decision model's call, which
    has no system message, is recognised only where the gateway reports the head of its `state` as a system turn.
    """
    return found.own_call or own_calls.of_turns(found.turns) or own_calls.of_metadata(found.metadata)


def reason_of(mark: str | None, *, ours: str) -> Reason | None:
    """Why a call with this mark is not classified: it is this installation's, or only says that it is a classifier's."""
    if mark is None:
        return None
    return Reason.OWN_CALL if compare_digest(mark.encode(), ours.encode()) else Reason.UNPROVEN_OWN_CALL
