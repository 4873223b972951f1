import json
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from tests.worker import line_rows
from tests.worker.line_rows import NOW
from worker.outcomes import Tagged
from worker.store import claims, erasure, outcomes, set_aside
from worker.store import engine as engines
from worker.store.erasure import Erased
from worker.store.outcomes import Ended

YESTERDAY = NOW - timedelta(days=1)
TABLES = ("generations", "transcripts", "classifications", "feedback")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = engines.connect(database_url)
    line_rows.days(engine, YESTERDAY)
    with engine.begin() as connection:
        for workspace in ("acme", "other"):
            line_rows.workspace(connection, workspace)
            for user in ("ann", "zoë"):
                for created_at in (NOW, YESTERDAY):
                    id_ = f"{workspace} {user}"
                    line_rows.generation(connection, workspace, id_, created_at=created_at, user_id=user)
                    line_rows.transcript(connection, workspace, id_, created_at=created_at)
                    line_rows.classification(connection, workspace, id_, "pending", created_at=created_at)
                line_rows.feedback(connection, workspace, f"of {user}", f"{workspace} {user}")
            line_rows.classification(connection, workspace, f"{workspace} own", "not_run", reason="own_call")
            for user in ("ann", "zoë"):
                put_aside(connection, workspace, json.dumps({"user": user}))
    yield engine
    engine.dispose()


def put_aside(connection: object, workspace: str, body: str) -> None:
    set_aside.add(
        connection,  # type: ignore[arg-type]
        source="recording",
        queue="record",
        workspace=workspace,
        error="No.",
        body=body.encode(),
        size_bytes=len(body.encode()),
    )


def ids(engine: Engine, table: str) -> list[str]:
    column = "id" if table == "generations" else "generation_id"
    with engine.connect() as connection:
        return list(connection.execute(text(f"select distinct {column} from {table} order by 1")).scalars())  # noqa: S608


def test_a_workspace_is_erased_and_no_other(engine: Engine) -> None:
    expected = Erased(generations=4, transcripts=4, classifications=5, feedback=2, set_aside=2)
    with engine.connect() as connection:
        assert erasure.count(connection, "acme") == expected
    assert erasure.erase(engine, "acme", batch_rows=2) == expected
    for table in TABLES:
        assert [id_ for id_ in ids(engine, table) if not id_.startswith("other")] == []
    with engine.connect() as connection:
        assert erasure.count(connection, "acme").rows == 0
        assert erasure.count(connection, "other") == expected


@pytest.mark.parametrize("user", ["ann", "zoë"])
def test_a_user_is_erased_and_nobody_else(engine: Engine, user: str) -> None:
    with engine.begin() as connection:
        put_aside(connection, "acme", json.dumps({"user": user}, ensure_ascii=False))
        put_aside(connection, "acme", json.dumps({"user": user + "e"}))
    expected = Erased(generations=2, transcripts=2, classifications=2, feedback=1, set_aside=2)
    with engine.connect() as connection:
        assert erasure.count(connection, "acme", user=user) == expected
    assert erasure.erase(engine, "acme", user=user, batch_rows=1) == expected
    for table in TABLES:
        assert f"acme {user}" not in ids(engine, table)
        assert f"other {user}" in ids(engine, table)
    assert erasure.erase(engine, "acme", user=user).rows == 0


def test_feedback_goes_with_whom_it_is_from_and_with_whom_it_is_about(engine: Engine) -> None:
    with engine.begin() as connection:
        line_rows.feedback(connection, "acme", "by ann", "acme zoë", user_id="ann")
        line_rows.feedback(connection, "acme", "about an id that ann had once", "acme ann", created_at=YESTERDAY)
        line_rows.feedback(connection, "other", "by another ann", "other zoë", user_id="ann")
        assert erasure.count(connection, "acme", user="ann").feedback == 3
    assert erasure.erase(engine, "acme", user="ann", batch_rows=1).feedback == 3
    with engine.connect() as connection:
        left = connection.execute(text("select workspace, id from feedback order by 1, 2")).all()
    assert [tuple(row) for row in left] == [
        ("acme", "of zoë"),
        ("other", "by another ann"),
        ("other", "of ann"),
        ("other", "of zoë"),
    ]


def test_text_that_was_left_alone_is_erased_with_its_workspace(engine: Engine) -> None:
    with engine.begin() as connection:
        line_rows.transcript(connection, "acme", "left alone")
    erasure.erase(engine, "acme")
    assert "left alone" not in ids(engine, "transcripts")


def test_an_answer_that_comes_after_the_erasure_brings_nothing_back(engine: Engine) -> None:
    with engine.begin() as connection:
        (claimed,) = claims.claim(
            connection, [("acme", "acme ann", NOW)], endpoint="local", token=uuid4(), lease_seconds=60
        )
    erasure.erase(engine, "acme")
    with engine.begin() as connection:
        ended = Ended(claimed=claimed, outcome=Tagged(tags={"department": "legal"}, certainty=None))
        assert outcomes.write(connection, [ended]) == []
        assert erasure.count(connection, "acme").rows == 0
