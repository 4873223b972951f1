"""Members: the people of a workspace, to whom configuration and its costs are credited."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Connection, text

from worker import errors
from worker.store import workspaces

Role = Literal["admin", "member"]
NAME_CHARACTERS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One person in one workspace; `keys` counts those that are not revoked."""

    id: UUID
    workspace: str
    name: str
    role: Role
    created_at: datetime
    keys: int


def add(connection: Connection, workspace: str, name: str, *, role: Role = "member") -> Member:
    """Add a person. Raise NotFoundError for the workspace, ConflictError when the name is a member already."""
    require_name(name, what="member")
    workspaces.find(connection, workspace)
    if not _insert(connection, workspace, name, role):
        raise errors.ConflictError(f"{name!r} is a member of {workspace!r} already; choose another name.")
    return find(connection, workspace, name)


def acting(connection: Connection, workspace: str, name: str) -> UUID:
    """Return the id of whoever works on the command line: made a member on first use, an admin when the first.

    Whoever reaches the database is trusted with it, so this names the actor and does not check rights.
    Raise NotFoundError for the workspace.
    """
    require_name(name, what="member")
    found = _id_of(connection, workspace, name)
    if found is None:
        workspaces.lock(connection, workspace)  # of two first people one is the first
        nobody_yet = not list_all(connection, workspace)
        _insert(connection, workspace, name, "admin" if nobody_yet else "member")
        found = _id_of(connection, workspace, name)
    assert found is not None  # noqa: S101 - inserted above, or by another and seen after waiting for the lock
    return found


def find(connection: Connection, workspace: str, name: str) -> Member:
    """Return one member. Raise NotFoundError."""
    found = [member for member in list_all(connection, workspace) if member.name == name]
    if not found:
        raise errors.NotFoundError(
            f"{name[:NAME_CHARACTERS]!r} is no member of {workspace!r}; add them with `aftertag member add`."
        )
    return found[0]


def list_all(connection: Connection, workspace: str) -> list[Member]:
    """Return the members of a workspace, by name. Raise NotFoundError for the workspace."""
    workspaces.find(connection, workspace)
    rows = connection.execute(
        text("""
        select id, workspace, name, role, created_at,
               (select count(*) from api_keys k where k.member_id = m.id and revoked_at is null) as keys
        from members m where workspace = :workspace order by name
        """),
        {"workspace": workspace},
    ).mappings()
    return [Member(**row) for row in rows]


def require_name(name: str, *, what: str) -> None:
    """Raise InvalidRequestError unless `name` may name a person, a key or an application."""
    if not (0 < len(name) <= NAME_CHARACTERS and name.isprintable() and name.strip() == name):
        raise errors.InvalidRequestError(
            f"{name[:NAME_CHARACTERS]!r} cannot name a {what}; use 1 to {NAME_CHARACTERS} printable characters."
        )


def _insert(connection: Connection, workspace: str, name: str, role: Role) -> bool:
    made = connection.execute(
        text("""
        insert into members (workspace, name, role) values (:workspace, :name, :role)
        on conflict (workspace, name) do nothing returning id
        """),
        {"workspace": workspace, "name": name, "role": role},
    )
    return made.first() is not None


def _id_of(connection: Connection, workspace: str, name: str) -> UUID | None:
    found: UUID | None = connection.execute(
        text("select id from members where workspace = :workspace and name = :name"),
        {"workspace": workspace, "name": name},
    ).scalar()
    return found
