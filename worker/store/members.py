"""Members: the people of a workspace, to whom configuration and its costs are credited.

Whoever leaves is revoked and never deleted: the versions they configured and the calls billed to them keep their name.
"""

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
    revoked_at: datetime | None
    keys: int


def create(connection: Connection, workspace: str, name: str, *, role: Role = "member") -> Member:
    """Add a person, or bring one back who was revoked; the keys they had stay ended.

    Raise NotFoundError for the workspace, ConflictError when the name is a member already.
    """
    require_name(name, what="member")
    workspaces.find(connection, workspace)
    made = connection.execute(
        text("""
        insert into members as m (workspace, name, role) values (:workspace, :name, :role)
        on conflict (workspace, name) do update set role = excluded.role, revoked_at = null
            where m.revoked_at is not null
        returning id
        """),
        {"workspace": workspace, "name": name, "role": role},
    )
    if made.first() is None:
        raise errors.ConflictError(
            f"{name!r} is a member of {workspace!r} already; choose another name, or change their role with"
            f" `aftertag member role NAME {role} --workspace {workspace}`."
        )
    return find(connection, workspace, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What a member's leaving did. `classifiers` still ask and are billed to them, because they configured them."""

    changed: bool
    keys_ended: int
    classifiers: tuple[str, ...]


def revoke(connection: Connection, workspace: str, name: str) -> Left:
    """End a membership and all its keys; `changed` is False when it had ended before. Raise NotFoundError."""
    found = find(connection, workspace, name, also_revoked=True)
    ended = connection.execute(
        text("update members set revoked_at = now() where id = :id and revoked_at is null returning id"),
        {"id": found.id},
    )
    keys = connection.execute(
        text("update api_keys set revoked_at = now() where member_id = :id and revoked_at is null"), {"id": found.id}
    )
    asking = connection.execute(
        text("""
        select c.name from classifiers c
        join classifier_versions v on v.classifier_id = c.id and v.version = c.version
        where v.configured_by = :id and c.state = 'active' order by c.name
        """),
        {"id": found.id},
    ).scalars()
    return Left(changed=ended.first() is not None, keys_ended=keys.rowcount, classifiers=tuple(asking))


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChanged:
    """`keys_lowered` had the role admin, which their owner has no more."""

    changed: bool
    keys_lowered: int


def change_role(connection: Connection, workspace: str, name: str, role: Role) -> RoleChanged:
    """Make a member an admin or an admin a member; no key may do more than its owner. Raise NotFoundError."""
    found = find(connection, workspace, name)
    connection.execute(text("update members set role = :role where id = :id"), {"role": role, "id": found.id})
    lowered = 0
    if role == "member":
        lowered = connection.execute(
            text("""
            update api_keys set role = 'member' where member_id = :id and role = 'admin' and revoked_at is null
            """),
            {"id": found.id},
        ).rowcount
    return RoleChanged(changed=found.role != role, keys_lowered=lowered)


def acting(connection: Connection, workspace: str, name: str) -> UUID:
    """Return the id of whoever works on the command line: made a member on first use, an admin when the first.

    Whoever reaches the database is trusted with it, so this names the actor and does not check rights.
    Raise NotFoundError for the workspace, InvalidRequestError for a member who was revoked.
    """
    require_name(name, what="member")
    found = _find(connection, workspace, name)
    if found is None:
        workspaces.lock(connection, workspace)  # of two first people one is the first
        nobody_yet = not list_all(connection, workspace)
        connection.execute(
            text("""
            insert into members (workspace, name, role) values (:workspace, :name, :role)
            on conflict (workspace, name) do nothing
            """),
            {"workspace": workspace, "name": name, "role": "admin" if nobody_yet else "member"},
        )
        found = _find(connection, workspace, name)
    assert found is not None  # noqa: S101 - inserted above, or by another and seen after waiting for the lock
    if found.revoked_at is not None:
        raise errors.InvalidRequestError(_revoked(workspace, name))
    return found.id


def find(connection: Connection, workspace: str, name: str, *, also_revoked: bool = False) -> Member:
    """Return one member. Raise NotFoundError, also for one who was revoked unless `also_revoked`."""
    workspaces.find(connection, workspace)
    found = _find(connection, workspace, name)
    if found is None:
        raise errors.NotFoundError(
            f"{name[:NAME_CHARACTERS]!r} is no member of {workspace!r}; add them with `aftertag member create`."
        )
    if found.revoked_at is not None and not also_revoked:
        raise errors.NotFoundError(_revoked(workspace, name))
    return found


def list_all(connection: Connection, workspace: str) -> list[Member]:
    """Return the members of a workspace, revoked ones too, by name. Raise NotFoundError for the workspace."""
    workspaces.find(connection, workspace)
    return _select(connection, workspace)


def _revoked(workspace: str, name: str) -> str:
    return (
        f"{name!r} was revoked and is no member of {workspace!r} any more;"
        f" `aftertag member create NAME --workspace {workspace}` brings them back."
    )


def _find(connection: Connection, workspace: str, name: str) -> Member | None:
    return next((member for member in _select(connection, workspace) if member.name == name), None)


def _select(connection: Connection, workspace: str) -> list[Member]:
    rows = connection.execute(
        text("""
        select id, workspace, name, role, created_at, revoked_at,
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
