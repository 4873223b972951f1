"""Messages that carry ids and never decide anything: how keys are written into a bell and read from it."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from worker.store.recording import Key


def write(keys: Sequence[Key], *, size: int) -> Iterator[list[list[str]]]:
    """Yield the keys in bells of at most `size`, as JSON can hold them."""
    for start in range(0, len(keys), size):
        yield [[workspace, id_, created_at.isoformat()] for workspace, id_, created_at in keys[start : start + size]]


def read(ids: object, *, size: int) -> list[Key]:
    """Return the keys of a bell; raise ValueError for anything else than at most `size` of them."""
    if not isinstance(ids, list) or len(ids) > size:
        raise ValueError(f"a bell carries a list of at most {size} ids")
    return [_key(one) for one in ids]


def _key(one: object) -> Key:
    if not isinstance(one, list) or len(one) != 3 or not all(isinstance(part, str) for part in one):
        raise ValueError("an id in a bell is [workspace, id, created_at]")
    created_at = datetime.fromisoformat(one[2])
    if created_at.tzinfo is None:
        raise ValueError("created_at in a bell needs a time zone")
    return (one[0], one[1], created_at)
