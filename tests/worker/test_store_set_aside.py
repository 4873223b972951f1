from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text

from worker.store import engine, set_aside
from worker.store.set_aside import Arrival

AT = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    opened = engine.connect(database_url)
    with opened.begin() as connection:
        yield connection
    opened.dispose()


def add(connection: Connection, body: bytes = b"{}", **given: Any) -> None:
    row: dict[str, Any] = {"source": "recording", "queue": "record", "workspace": "acme", "error": "id: missing"}
    set_aside.add(connection, **(row | {"body": body, "size_bytes": len(body)} | given))


def arrival(body: bytes = b"raw", received_at: datetime | None = AT) -> Arrival:
    return Arrival(received_at=received_at, queue="record", error="No.", size_bytes=len(body), body=body)


def bodies(connection: Connection) -> list[bytes]:
    return [bytes(body) for body in connection.execute(text("select body from set_aside order by id")).scalars()]


def test_what_is_set_aside_is_listed_newest_first_without_its_body(connection: Connection) -> None:
    add_arrivals_at = [arrival(b"old", AT), arrival(b"older", AT - timedelta(hours=1))]
    set_aside.add_arrivals(connection, add_arrivals_at)
    add(connection, b"SENTINEL")
    found = set_aside.newest(connection)
    assert [(row.source, row.size_bytes) for row in found] == [("recording", 8), ("broker", 3), ("broker", 5)]
    assert "SENTINEL" not in repr(found)


def test_a_body_is_kept_up_to_a_megabyte_and_then_cannot_be_replayed(connection: Connection) -> None:
    add(connection, b"x" * (set_aside.BODY_BYTES + 1))
    add(connection, b"x" * set_aside.BODY_BYTES)
    whole, cut = set_aside.newest(connection)
    assert (cut.kept_bytes, cut.is_whole) == (set_aside.BODY_BYTES, False)
    assert whole.is_whole
    assert set_aside.waiting_ids(connection) == [whole.id]


def test_the_same_arrival_stored_twice_is_one_row(connection: Connection) -> None:
    set_aside.add_arrivals(connection, [arrival(), arrival(b"other"), arrival(received_at=AT + timedelta(seconds=1))])
    set_aside.add_arrivals(connection, [arrival(), arrival(b"other")])
    assert sorted(bodies(connection)) == [b"other", b"raw", b"raw"]


def test_an_arrival_without_a_time_is_kept_all_the_same(connection: Connection) -> None:
    set_aside.add_arrivals(connection, [arrival(received_at=None)])
    assert set_aside.newest(connection)[0].set_aside_at > AT


def test_a_workspace_sees_its_own_only(connection: Connection) -> None:
    add(connection, workspace="acme")
    add(connection, workspace="other")
    set_aside.add_arrivals(connection, [arrival()])
    assert [row.workspace for row in set_aside.newest(connection, workspace="acme")] == ["acme"]


def test_taking_for_replay_marks_and_gives_the_body(connection: Connection) -> None:
    add(connection, b"first")
    add(connection, b"second")
    first, _ = set_aside.waiting_ids(connection)
    taken = set_aside.take_for_replay(connection, [first, 999])
    assert [body.body for body in taken] == [b"first"]
    assert [row.id for row in set_aside.newest(connection, replayed=True)] == [first]
    assert first not in set_aside.waiting_ids(connection)


def test_a_body_stays_out_of_reprs(connection: Connection) -> None:
    add(connection, b"SENTINEL")
    (id_,) = set_aside.waiting_ids(connection)
    assert "SENTINEL" not in repr(set_aside.bodies_of(connection, [id_]))
    assert "SENTINEL" not in repr(arrival(b"SENTINEL"))


def test_no_message_has_an_unknown_id(connection: Connection) -> None:
    assert set_aside.bodies_of(connection, [1]) == []


@pytest.mark.parametrize("name", ["nul\x00", "lone \ud800", "No Slug", "", None])
def test_a_workspace_that_is_no_name_cannot_stand_in_the_way(connection: Connection, name: str | None) -> None:
    add(connection, workspace=name, error="nul \x00 and \ud800.")
    (row,) = set_aside.newest(connection)
    assert (row.workspace, row.error) == (None, "nul \ufffd and \ufffd.")


def test_the_oldest_rows_beyond_the_count_go(connection: Connection) -> None:
    set_aside.add_arrivals(connection, [arrival(b"%d" % age, AT - timedelta(hours=age)) for age in range(5)])
    assert set_aside.cap(connection, most_rows=3) == 2
    assert sorted(bodies(connection)) == [b"0", b"1", b"2"]


def test_the_oldest_rows_beyond_the_bytes_go(connection: Connection) -> None:
    set_aside.add_arrivals(connection, [arrival(bytes([age]) * 100, AT - timedelta(hours=age)) for age in range(5)])
    assert set_aside.cap(connection, most_bytes=250) == 3
    assert sorted(body[0] for body in bodies(connection)) == [0, 1]


def test_rows_go_after_thirty_days(connection: Connection) -> None:
    ages = [timedelta(days=29, hours=23), timedelta(days=30, hours=1)]
    set_aside.add_arrivals(connection, [arrival(b"%d" % age.days, datetime.now(UTC) - age) for age in ages])
    assert set_aside.cap(connection) == 1
    assert bodies(connection) == [b"29"]


def test_a_flood_between_two_upkeeps_is_bounded(connection: Connection) -> None:
    connection.execute(
        text("""
        insert into set_aside (source, queue, error, body, size_bytes)
        select 'recording', 'record', 'No.', '', 0 from generate_series(1, 20500)
        """)
    )
    add(connection)
    assert len(bodies(connection)) == 2 * set_aside.MOST_ROWS
