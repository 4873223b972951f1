"""Room for the tests that measure: while one marked `alone` runs, no other worker of its session runs a test.

Every worker of pytest-xdist's takes a turn for each of its tests. The locks end with whoever holds them, however that is.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def turn(folder: Path, *, alone: bool) -> Iterator[None]:
    """Wait for the room that all who name this folder share, and be in it: with others, or alone."""
    with (folder / "door.lock").open("w") as door, (folder / "room.lock").open("w") as room:
        fcntl.flock(door, fcntl.LOCK_EX)  # whoever waits for the empty room stands in the door: nobody slips in before
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(room, fcntl.LOCK_UN)  # in so many words: a child that a test has forked holds the file open
