"""Bells: keys as JSON carries them, and nothing else."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from worker import bells
from worker.store.recording import Key

NOW = datetime(2026, 11, 21, 9, 30, 0, 123456, tzinfo=UTC)
KEYS: list[Key] = [("acme", f"größe {number}", NOW + timedelta(microseconds=number)) for number in range(70)]


def test_keys_come_back_as_they_were_written_in_bells_of_their_size() -> None:
    written = list(bells.write(KEYS, size=32))
    assert [len(one) for one in written] == [32, 32, 6]
    assert [key for one in written for key in bells.read(json.loads(json.dumps(one)), size=32)] == KEYS


@pytest.mark.parametrize(
    "ids",
    [
        None,
        "acme",
        {},
        [["acme", "1"]],
        [["acme", "1", NOW.timestamp()]],
        [["acme", 1, NOW.isoformat()]],
        [["acme", "1", "yesterday"]],
        [["acme", "1", "2026-11-21T09:30:00"]],
        [["acme", "1", NOW.isoformat()]] * 33,
    ],
)
def test_what_is_no_bell_is_refused(ids: Any) -> None:
    with pytest.raises(ValueError, match=r"bell|isoformat"):
        bells.read(ids, size=32)
