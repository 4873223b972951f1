"""Which generations are calls of our own that a gateway reports back: they are accounted elsewhere, and never classified."""

from classifier_models.marker import OWN_CALL_LINE
from worker.generation import Generation


def is_own_call(found: Generation) -> bool:
    """Whether a gateway told us of our header, or the first line of the system message is the marker.

    Never what a user said: a prompt that begins like ours would make its usage vanish. So a decision model's call,
    which has no system message, is recognised only where the gateway reports the head of its `state` as a system turn.
    """
    if found.own_call:  # a gateway told us of the header that our calls carry
        return True
    if not found.turns:
        return False
    kind, said, _, _ = found.turns[0]
    return kind == "system" and said.partition("\n")[0].rstrip() == OWN_CALL_LINE
