"""The moment in which two transactions have met: one of them waits for the other's lock."""

from sqlalchemy import Engine

from tests.waiting import wait_until
from tests.worker.line_stage import rows

_WAITING = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"


def wait_until_somebody_waits(engine: Engine, *, what: str) -> None:
    """Wait for it; looks in transactions of its own, since the view stands still inside of one."""
    wait_until(lambda: rows(engine, _WAITING), what=what)
