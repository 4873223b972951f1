"""Waiting out an absence of Postgres, when it is only the pool that has no connection to give."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine, create_engine

from tests.waiting import wait_until
from worker.gates import Gates
from worker.outage import POSTGRES_AWAY, Outage


def test_all_connections_taken_is_an_outage_that_ends_when_one_is_free(engine: Engine) -> None:
    narrow, gates = create_engine(engine.url, pool_size=1, max_overflow=0, pool_timeout=0.05), Gates()
    outage = Outage(engine=narrow, gates=gates)
    with ThreadPoolExecutor(1) as pool:
        with narrow.connect():
            waiting = pool.submit(outage.outlast, lambda: narrow.connect().close())
            wait_until(lambda: gates.closed() == {"*": {POSTGRES_AWAY}})
        waiting.result(timeout=10)
    assert gates.closed() == {}
    narrow.dispose()
