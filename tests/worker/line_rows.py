"""Rows of the line written straight into the tables, for tests of what reads them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, text

from worker.store import partitions
from worker.store.tables import NO_CLASSIFIER_ID

NOW = datetime.now(UTC)
JSON_COLUMNS = ("tags", "certainty", "calls")


def days(engine: Engine, *times: datetime) -> None:
    """Make the partitions of these times and of today."""
    partitions.make(engine, {time.date() for time in (NOW, *times)})


def workspace(connection: Connection, name: str, *, keep_text_days: int = 30) -> str:
    connection.execute(
        text("insert into workspaces (id, keep_text_days) values (:name, :days)"),
        {"name": name, "days": keep_text_days},
    )
    return name


def member(connection: Connection, workspace: str, name: str = "ada") -> UUID:
    return UUID(
        str(
            connection.execute(
                text("insert into members (workspace, name, role) values (:workspace, :name, 'admin') returning id"),
                {"workspace": workspace, "name": name},
            ).scalar_one()
        )
    )


def classifier(
    connection: Connection, workspace: str, name: str = "work", *, endpoint: str = "local", state: str = "active"
) -> UUID:
    id_ = uuid4()
    connection.execute(
        text(
            "insert into classifiers (id, workspace, name, state, version) values (:id, :workspace, :name, :state, 1)"
        ),
        {"id": id_, "workspace": workspace, "name": name, "state": state},
    )
    connection.execute(
        text("""
        insert into classifier_versions (classifier_id, version, definition, dimensions, endpoint)
        values (:id, 1, '{}', '{department}', :endpoint)
        """),
        {"id": id_, "endpoint": endpoint},
    )
    return id_


def generation(connection: Connection, workspace: str, id_: str, *, created_at: datetime = NOW, **columns: Any) -> None:
    row = {"tags": {}, "recorded_at": created_at} | columns
    names = ", ".join(row)
    values = ", ".join(f"cast(:{name} as jsonb)" if name in JSON_COLUMNS else f":{name}" for name in row)
    connection.execute(
        text(f"""
        insert into generations (workspace, id, created_at, {names}) values (:workspace, :id, :created_at, {values})
        """),  # noqa: S608 - columns that a test names
        {"workspace": workspace, "id": id_, "created_at": created_at, **row, "tags": json.dumps(row["tags"])},
    )


def transcript(
    connection: Connection, workspace: str, id_: str, *, created_at: datetime = NOW, said: str = "hi"
) -> None:
    connection.execute(
        text("""
        insert into transcripts (workspace, generation_id, created_at, turns, tools)
        values (:workspace, :id, :created_at, cast(:turns as jsonb), '{}')
        """),
        {
            "workspace": workspace,
            "id": id_,
            "created_at": created_at,
            "turns": json.dumps([["user", said, None, None], ["assistant", said, None, None]]),
        },
    )


def classification(
    connection: Connection,
    workspace: str,
    id_: str,
    state: str,
    *,
    created_at: datetime = NOW,
    classifier: UUID | str = NO_CLASSIFIER_ID,
    **columns: Any,
) -> None:
    """A row in `state`; other columns by name. What is waiting is due now, what has ended has ended now."""
    row: dict[str, Any] = {"version": 1, "endpoint": "local", "reason": None}
    row |= {"due_at": datetime.now(UTC)} if state in ("pending", "retrying") else {}
    row |= {"lease_until": datetime.now(UTC) + timedelta(minutes=1)} if state == "running" else {}
    row |= {"finished_at": datetime.now(UTC)} if state in ("tagged", "failed", "not_run") else {}
    row |= columns
    for name in JSON_COLUMNS:
        if name in row:
            row[name] = json.dumps(row[name])
    names = ", ".join(row)
    values = ", ".join(f"cast(:{name} as jsonb)" if name in JSON_COLUMNS else f":{name}" for name in row)
    connection.execute(
        text(f"""
        insert into classifications (workspace, generation_id, created_at, classifier_id, state, {names})
        values (:workspace, :id, :created_at, :classifier, :state, {values})
        """),  # noqa: S608 - columns that a test names
        {"workspace": workspace, "id": id_, "created_at": created_at, "classifier": classifier, "state": state, **row},
    )


def feedback(
    connection: Connection, workspace: str, id_: str, about: str, *, created_at: datetime = NOW, **columns: Any
) -> None:
    """Feedback about a generation, with a score of 1 and a comment unless told otherwise."""
    row = {"score": 1.0, "comment": "Thanks!", "user_id": None, "recorded_at": created_at} | columns
    connection.execute(
        text("""
        insert into feedback (workspace, id, created_at, recorded_at, generation_id, score, comment, user_id)
        values (:workspace, :id, :created_at, :recorded_at, :about, :score, :comment, :user_id)
        """),
        {"workspace": workspace, "id": id_, "created_at": created_at, "about": about, **row},
    )


def count(connection: Connection, table: str) -> int:
    return int(connection.execute(text(f"select count(*) from {table}")).scalar_one())  # noqa: S608
