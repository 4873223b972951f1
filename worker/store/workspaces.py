"""Workspaces: the tenants. A workspace's id is its name, so that a hook can compute the same draw as a worker."""

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from worker import errors

KEEP_TEXT_DAYS = 30
MOST_KEEP_TEXT_DAYS = 3_650
_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """One tenant. `keep_text_days` 0: the text goes as soon as it is classified. Counts are of what is there now."""

    name: str
    keep_text_days: int
    created_at: datetime
    members: int
    classifiers: int


def create(connection: Connection, name: str, *, keep_text_days: int = KEEP_TEXT_DAYS) -> Workspace:
    """Make a workspace. Raise ConflictError when the name is taken, InvalidRequestError when it cannot be one."""
    require_slug(name, what="workspace")
    _require_days(keep_text_days)
    made = connection.execute(
        text("insert into workspaces (id, keep_text_days) values (:name, :days) on conflict do nothing returning id"),
        {"name": name, "days": keep_text_days},
    ).scalar()
    if made is None:
        raise errors.ConflictError(f"There is a workspace {name!r} already; choose another name.")
    return find(connection, name)


def update(connection: Connection, name: str, *, keep_text_days: int) -> Workspace:
    """Change how many days text is kept. Raise NotFoundError, InvalidRequestError."""
    _require_days(keep_text_days)
    connection.execute(
        text("update workspaces set keep_text_days = :days where id = :name"), {"name": name, "days": keep_text_days}
    )
    return find(connection, name)


def find(connection: Connection, name: str) -> Workspace:
    """Return one workspace. Raise NotFoundError."""
    found = _select(connection, name) if _SLUG.fullmatch(name) else []
    if not found:
        raise missing(name)
    return found[0]


def list_all(connection: Connection) -> list[Workspace]:
    """Return every workspace, by name."""
    return _select(connection, None)


def lock(connection: Connection, name: str) -> None:
    """Hold the workspace until the commit: changes of its configuration take turns. Raise NotFoundError.

    Recording goes on beside it: rows that refer to the workspace need a weaker lock only.
    """
    if not _SLUG.fullmatch(name):
        raise missing(name)
    found = connection.execute(text("select from workspaces where id = :name for no key update"), {"name": name})
    if found.first() is None:
        raise missing(name)


def require_slug(name: str, *, what: str) -> None:
    """Raise InvalidRequestError unless `name` may name a workspace or a classifier."""
    if not _SLUG.fullmatch(name):
        raise errors.InvalidRequestError(
            f"{name[:80]!r} cannot name a {what}; use up to 63 of a-z, 0-9, - and _, beginning with a letter or digit."
        )


def missing(name: str) -> errors.NotFoundError:
    """Return the error for a workspace that is not there."""
    return errors.NotFoundError(f"There is no workspace {name[:80]!r}; make it with `aftertag workspace create`.")


def _require_days(days: int) -> None:
    if not 0 <= days <= MOST_KEEP_TEXT_DAYS:
        raise errors.InvalidRequestError(
            f"Text cannot be kept for {days} days; use 0 (not after classification) to {MOST_KEEP_TEXT_DAYS}."
        )


def _select(connection: Connection, name: str | None) -> list[Workspace]:
    rows = connection.execute(
        text("""
        select w.id as name, keep_text_days, created_at,
               (select count(*) from members m where m.workspace = w.id) as members,
               (select count(*) from classifiers c where c.workspace = w.id) as classifiers
        from workspaces w
        where w.id = coalesce(cast(:name as text), w.id)
        order by w.id
        """),
        {"name": name},
    ).mappings()
    return [Workspace(**row) for row in rows]
