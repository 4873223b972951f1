"""Whoever measures has the machine alone, and sessions of the tests have a folder each."""

import fcntl
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.side_by_side import turn
from tests.waiting import wait_until


def is_held(lock: Path) -> bool:
    with lock.open("w") as file, suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    return True


def in_a_thread(does: Callable[[], None]) -> threading.Thread:
    started = threading.Thread(target=does)
    started.start()
    return started


def test_who_wants_to_be_alone_waits_for_those_inside_and_goes_before_those_who_come_later(tmp_path: Path) -> None:
    order: list[str] = []

    def come(name: str, *, alone: bool) -> threading.Thread:
        def take_a_turn() -> None:
            with turn(tmp_path, alone=alone):
                order.append(name)
                assert is_held(tmp_path / "room.lock") == alone, "shared with others, or not"

        return in_a_thread(take_a_turn)

    with turn(tmp_path, alone=False):
        come("beside", alone=False).join(30)
        assert order == ["beside"]
        alone = come("alone", alone=True)
        wait_until(lambda: is_held(tmp_path / "door.lock"), what="one who stands in the door")
        later = come("later", alone=False)
        assert order == ["beside"]
    alone.join(30)
    later.join(30)
    assert order == ["beside", "alone", "later"]


def test_a_session_keeps_its_files_in_a_folder_that_it_shares_with_no_other(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """pytest's own would be taken the rights away by the next session, and PostgreSQL's account could not pass."""
    assert "pytest-of-" not in str(tmp_path_factory.getbasetemp())
