"""Which days have something unfinished: what pends, retries or runs is found by two small indexes a day."""

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import Connection, text

from worker.store.spans import DAYS_IN_A_SPAN, midnight

_DAY = """
select {place} as place
where exists (select from classifications where state in ('pending', 'retrying')
                and created_at >= :from_{place} and created_at < :to_{place})
   or exists (select from classifications where state = 'running'
                and created_at >= :from_{place} and created_at < :to_{place})
"""


def days(connection: Connection, among: Sequence[date]) -> set[date]:
    """Return those of `among` on which something is unfinished; on a connection in autocommit, or its locks add up.

    Each day has bounds of its own: so the planner opens one day for each of the questions, and not all for all.
    """
    found: set[date] = set()
    for start in range(0, len(among), DAYS_IN_A_SPAN):
        some = among[start : start + DAYS_IN_A_SPAN]
        bounds = {f"from_{place}": midnight(day) for place, day in enumerate(some)}
        bounds |= {f"to_{place}": midnight(day + timedelta(days=1)) for place, day in enumerate(some)}
        statement = " union all ".join(_DAY.format(place=place) for place in range(len(some)))
        found |= {some[place] for place in connection.execute(text(statement), bounds).scalars()}
    return found
