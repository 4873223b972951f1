"""Keys for the HTTP API: shown once when made, kept as a hash only."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Connection, text

from worker import errors
from worker.store import members, workspaces

Role = Literal["admin", "member", "ingest"]
TOKEN_BYTES = 32
TOKEN_MARK = "atk_"  # noqa: S105 - how every token begins, so that scanners for leaked secrets find ours
PREFIX_CHARACTERS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What is known of a key after its making; `prefix` is how its token begins."""

    id: UUID
    workspace: str
    name: str
    role: Role
    member: str | None
    application: str | None
    prefix: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key at its making: the only moment at which its token is known."""

    key: Key
    token: str = field(repr=False)


def create_for_member(
    connection: Connection,
    workspace: str,
    name: str,
    *,
    member: str,
    role: Literal["admin", "member"] = "member",
    random_text: Callable[[int], str] = secrets.token_urlsafe,
) -> NewKey:
    """Make a person's key. Raise NotFoundError, ConflictError for a taken name.

    Raise InvalidRequestError for a role above the person's own.
    """
    owner = members.find(connection, workspace, member)
    if role == "admin" and owner.role != "admin":
        raise errors.InvalidRequestError(f"{member!r} is no admin of {workspace!r}; make a key of the role member.")
    return _create(connection, workspace, name, role, owner.id, None, random_text)


def create_for_application(
    connection: Connection,
    workspace: str,
    name: str,
    *,
    application: str,
    random_text: Callable[[int], str] = secrets.token_urlsafe,
) -> NewKey:
    """Make an application's key, which may hand in generations and read nothing. Raise NotFoundError, ConflictError."""
    members.require_name(application, what="application")
    workspaces.find(connection, workspace)
    return _create(connection, workspace, name, "ingest", None, application, random_text)


def revoke(connection: Connection, workspace: str, name: str) -> bool:
    """End a key, by its name: a server that has just seen it takes it for five more seconds.

    Return False when it was revoked before. Raise NotFoundError.
    """
    found = find(connection, workspace, name)
    ended = connection.execute(
        text("update api_keys set revoked_at = now() where id = :id and revoked_at is null returning id"),
        {"id": found.id},
    )
    return ended.first() is not None


def find(connection: Connection, workspace: str, name: str) -> Key:
    """Return one key. Raise NotFoundError."""
    found = [key for key in list_all(connection, workspace) if key.name == name]
    if not found:
        raise errors.NotFoundError(
            f"There is no key {name[:100]!r} in {workspace!r}; `aftertag key list --workspace {workspace}` shows all."
        )
    return found[0]


def list_all(connection: Connection, workspace: str) -> list[Key]:
    """Return the keys of a workspace, revoked ones too, by name. Raise NotFoundError for the workspace."""
    workspaces.find(connection, workspace)
    rows = connection.execute(
        text("""
        select k.id, k.workspace, k.name, k.role, m.name as member, k.application, k.prefix,
               k.created_at, k.last_used_at, k.revoked_at
        from api_keys k left join members m on m.id = k.member_id
        where k.workspace = :workspace order by k.name
        """),
        {"workspace": workspace},
    ).mappings()
    return [Key(**row) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """Whose key it is that somebody shows, and whether it still counts."""

    id: UUID
    workspace: str
    name: str
    role: Role
    application: str | None
    revoked: bool


def bearer(connection: Connection, hash_: bytes) -> Bearer | None:
    """Return whose key has this hash, None for nobody's; a key that counts is stamped as used, once a minute.

    The look-up is by the hash of what was shown, through an index: how long it takes says nothing about other tokens.
    """
    row = connection.execute(
        text("""
        with found as (
            select id, workspace, name, role, application, revoked_at is not null as revoked, last_used_at
            from api_keys where hash = :hash
        ), stamped as (
            update api_keys k set last_used_at = now() from found
            where k.id = found.id and not found.revoked
              and (found.last_used_at is null or found.last_used_at < now() - interval '1 minute')
        )
        select id, workspace, name, role, application, revoked from found
        """),
        {"hash": hash_},
    ).one_or_none()
    return None if row is None else Bearer(**row._mapping)


def digest(token: str) -> bytes:
    """Return what is stored of a token. It has 256 random bits, so a plain SHA-256 cannot be guessed back."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _create(
    connection: Connection,
    workspace: str,
    name: str,
    role: Role,
    member_id: UUID | None,
    application: str | None,
    random_text: Callable[[int], str],
) -> NewKey:
    members.require_name(name, what="key")
    token = TOKEN_MARK + random_text(TOKEN_BYTES)
    made = connection.execute(
        text("""
        insert into api_keys (workspace, name, role, member_id, application, prefix, hash)
        values (:workspace, :name, :role, :member_id, :application, :prefix, :hash)
        on conflict (workspace, name) do nothing returning id
        """),
        {
            "workspace": workspace,
            "name": name,
            "role": role,
            "member_id": member_id,
            "application": application,
            "prefix": token[:PREFIX_CHARACTERS],
            "hash": digest(token),
        },
    )
    if made.first() is None:
        raise errors.ConflictError(
            f"There is or was a key {name!r} in {workspace!r}; choose another name (revoked keys keep theirs)."
        )
    return NewKey(key=find(connection, workspace, name), token=token)
