"""Erasing reads a day once, however many batches it takes."""

import pytest
from sqlalchemy import Engine, text

from tests.worker import line_rows, plans
from tests.worker.line_rows import NOW
from worker.store import erasure

ROWS = 20_000
BATCHES = 10

FILL = [
    "insert into generations (workspace, id, created_at, user_id) select 'acme', n, :now, n % 2 from generate_series(1, :rows) n",
    """
    insert into transcripts (workspace, generation_id, created_at, turns, tools)
    select 'acme', n, :now, '[]', '{}' from generate_series(1, :rows) n
    """,
    """
    insert into classifications (workspace, generation_id, created_at, classifier_id, version, endpoint, state, reason)
    select 'acme', n, :now, gen_random_uuid(), 1, 'local', 'not_run', 'paused'
    from generate_series(1, :rows) n, (values (1), (2)) two
    """,
]


@pytest.mark.parametrize(("user", "share"), [(None, 1), ("1", 2)])
def test_a_day_is_read_once_however_many_batches_erase_it(engine: Engine, user: str | None, share: int) -> None:
    line_rows.days(engine)
    with engine.begin() as connection:
        line_rows.workspace(connection, "acme")
        for statement in FILL:
            connection.execute(text(statement), {"now": NOW, "rows": ROWS})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze"))
    erased = []
    batch_rows = ROWS // share // BATCHES
    sent = plans.of(engine, lambda _: erased.append(erasure.erase(engine, "acme", user=user, batch_rows=batch_rows)))
    assert erased[0].generations == ROWS // share
    assert erased[0].classifications == 2 * ROWS // share
    assert len(sent) >= 2 * BATCHES
    rows_read = sum(plan.rows_read for plan in sent)
    assert rows_read < 15 * ROWS, "\n".join(map(str, sent[:4]))
