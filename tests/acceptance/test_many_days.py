"""Years of days: nothing in the line locks them all at once, so a server's usual room for locks is enough.

300 days stand here against a lock table as small as it can be made: one statement over one table takes all of it, as two
over 1,500 days do with the default (`python -m tests.benchmarks many_days` does that).
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.acceptance import samples
from tests.acceptance.in_process import InProcess, in_process
from tests.console.command_line import on
from tests.model_server import ModelServer
from worker import bells, classifying
from worker.embedded.postgres import Postgres
from worker.recording import IDS_PER_BELL
from worker.store import engine as engines
from worker.store import migrations, partitions

DAYS = 300
FEW_LOCKS = {
    "max_locks_per_transaction": "10",
    "max_connections": "20",
    "max_wal_senders": "0",
    "max_worker_processes": "0",
}
NOW = datetime.now(UTC)
IDS = [f"g{age}" for age in range(DAYS)]
IN_NO_ORDER = [age * 7 % DAYS for age in range(DAYS)]


@pytest.fixture(scope="module")
def crowded_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL with 300 days and room for fewer locks than one of the tables has days and indexes."""
    server = Postgres(directory=tmp_path_factory.mktemp("crowded"), durable=False, settings=FEW_LOCKS)
    server.start()
    try:
        migrations.upgrade(server.url)
        with engines.connecting(server.url) as engine:
            partitions.make(engine, {(NOW - timedelta(days=age)).date() for age in range(-3, DAYS + 3)})
            samples.classifier(engine)
        yield server.url
    finally:
        server.stop()


def test_there_is_no_room_for_a_statement_over_all_days(crowded_url: str) -> None:
    """What follows would prove nothing otherwise."""
    with psycopg.connect(crowded_url) as connection, pytest.raises(psycopg.errors.OutOfMemory):
        connection.execute("select count(*) from classifications")


def test_a_generation_of_every_day_is_recorded_swept_tagged_and_told(
    crowded_url: str, model_server: ModelServer
) -> None:
    settings = {"past_days": DAYS + 10, "call_timeout_seconds": 20, "ring_again_seconds": 0.001}
    with in_process(crowded_url, {"test": model_server.url}, **settings) as line:
        recorded = line.record(*[samples.generation(IDS[age], created_at=_at(age)) for age in IN_NO_ORDER])
        assert len(recorded.new) == DAYS
        line.bells.clear()  # nobody hears them: the sweep finds every day by itself
        assert line.sweep() == DAYS
        _answer_at_once(line)
        assert line.sweep() == 0
    command_line = on(crowded_url, AFTERTAG_REDIS_URL="redis://127.0.0.1:1/0")
    for age in (0, DAYS // 2, DAYS - 1):
        (told,) = command_line.done("why", IDS[age], "--json").json
        assert [one["state"] for one in told["classifications"]] == ["tagged"]
    assert command_line.done("queue", "--json").json["unfinished"] == 0
    (locks,) = [one for one in command_line("doctor", "--json").json["findings"] if one["subject"] == "Locks"]
    assert locks["severity"] == "problem"
    assert "Set max_locks_per_transaction to 1024 and restart PostgreSQL" in locks["advice"]


def test_an_import_of_every_day_goes_in_and_again_changes_nothing(crowded_url: str, tmp_path: Path) -> None:
    file = tmp_path / "years.jsonl"
    timed = [{"messages": "hello", "id": f"i{age}", "created_at": _at(age), "workspace": "old"} for age in IN_NO_ORDER]
    untimed = [{"messages": f"without a time: {number}", "workspace": "old"} for number in range(5)]
    file.write_text("\n".join(map(json.dumps, [*timed, *untimed])))
    for new, known in ((DAYS + 5, 0), (0, DAYS + 5)):
        told = on(crowded_url).done("import", str(file), "--json").json
        assert (told["recorded"], told["known"], told["bad"]) == (new, known, [])


def test_sql_that_finds_no_room_is_told_what_to_set(crowded_url: str) -> None:
    told = on(crowded_url).refused("tags", "--workspace", "acme", "--since", "300d")
    assert told.startswith("PostgreSQL has no lock left, for anybody: set max_locks_per_transaction to what")


def _answer_at_once(line: InProcess) -> None:
    """Classify whom was rung for as workers do: a bell each, several at once."""
    rung = [(endpoint, ids) for endpoint, keys in line.bells for ids in bells.write(keys, size=IDS_PER_BELL)]

    def answer(bell: tuple[str, str]) -> None:
        endpoint, ids = bell
        keys = bells.read(ids, size=IDS_PER_BELL)
        line.line.outage.outlast(lambda: classifying.classify(line.line, endpoint, keys))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(answer, rung))
    assert line.line.room.wait_until_empty(60), "something claimed was not written"


def _at(age: int) -> str:
    return (NOW - timedelta(days=age)).isoformat()
