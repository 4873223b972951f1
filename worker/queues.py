"""The queues in Redis by name: recording, classifying (one per endpoint), sweep and upkeep never wait for each other."""

RECORD = "record"
SWEEP = "sweep"
UPKEEP = "upkeep"
CLASSIFY_PREFIX = "classify."


def classify_queue(endpoint: str) -> str:
    """The queue of the classifications that `endpoint` is asked for."""
    return f"{CLASSIFY_PREFIX}{endpoint}"
