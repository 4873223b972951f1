"""What a failed statement means: Postgres is away and the same may pass later, or this will never pass."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, InterfaceError

from worker import errors
from worker.store import engine as engines


def failure(engine: Engine, work: Callable[[Connection], object]) -> DBAPIError:
    with engine.connect() as connection, pytest.raises(DBAPIError) as caught:
        work(connection)
    return caught.value


def end_itself(connection: Connection) -> None:
    connection.execute(text("select pg_terminate_backend(pg_backend_pid())"))


def write_on_a_standby(connection: Connection) -> None:
    connection.execute(text("set transaction read only"))
    connection.execute(text("create table x ()"))


def raise_as_postgres(code: str) -> Callable[[Connection], object]:
    return lambda connection: connection.execute(text(f"do $$ begin raise exception using errcode = '{code}'; end $$"))


@pytest.mark.parametrize("code", ["53100", "53300", "57P01", "57P03", "58030", "08006"])
def test_an_absence_or_a_shortage_passes(engine: Engine, code: str) -> None:
    assert engines.is_outage(failure(engine, raise_as_postgres(code)))


@pytest.mark.parametrize("work", [end_itself, write_on_a_standby])
def test_a_lost_and_a_read_only_server_pass(engine: Engine, work: Callable[[Connection], object]) -> None:
    assert engines.is_outage(failure(engine, work))


@pytest.mark.parametrize("code", ["54000", "54001", "22P05", "22003", "23505", "23514", "42P01", "XX000"])
def test_what_a_statement_is_refused_for_by_itself_does_not_pass(engine: Engine, code: str) -> None:
    assert not engines.is_outage(failure(engine, raise_as_postgres(code)))


def test_an_index_entry_that_is_too_large_is_no_outage(engine: Engine) -> None:
    def insert(connection: Connection) -> None:
        connection.execute(
            text("""
            insert into losses (day, reason, generations)
            select now(), string_agg(md5(n::text), ''), 1 from generate_series(1, 2000) n
            """)
        )

    assert not engines.is_outage(failure(engine, insert))


def test_other_errors_are_no_outage() -> None:
    assert not engines.is_outage(ValueError("no"))
    assert engines.is_outage(InterfaceError("select 1", {}, Exception("the connection is closed")))


def test_a_server_that_is_not_there_is_an_outage_and_does_not_answer() -> None:
    engine = engines.connect("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(DBAPIError) as caught, engine.connect():
        pass
    assert engines.is_outage(caught.value)
    assert not engines.answers(engine)
    engine.dispose()


def test_the_values_of_a_statement_stay_out_of_its_error(engine: Engine) -> None:
    def select(connection: Connection) -> None:
        connection.execute(text("select cast(:value as text) from nowhere"), {"value": "zanzibar"})

    assert "zanzibar" not in str(failure(engine, select))


def test_an_address_that_is_none_is_told_with_its_variable_and_not_shown() -> None:
    with pytest.raises(errors.SettingsError, match=r"^AFTERTAG_DATABASE_URL is not a database address") as caught:
        engines.connect("zanzibar")
    assert "zanzibar" not in str(caught.value)


def test_threads_share_an_engine(engine: Engine) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: engines.answers(engine), range(40)))
