"""Which generations are calls of our own that a gateway reports back: they are accounted elsewhere, and never classified."""

from api_hooks.wire import own_calls
from worker.generation import Generation


def is_own_call(found: Generation) -> bool:
    """Whether a gateway told us of one of our marks, or the first line of the system message is one.

    Never what a user said: a prompt that begins like ours would make its usage vanish. So a decision model's call,
    which has no system message, is recognised only where the gateway reports the head of its `state` as a system turn.
    """
    return found.own_call or own_calls.is_told_by_turns(found.turns) or own_calls.is_told_by_metadata(found.metadata)
