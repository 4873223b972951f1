"""Whom the embedded PostgreSQL runs as: PostgreSQL refuses root, so root lends it an unprivileged account."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

_CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A system account, by number."""

    uid: int
    gid: int


def unprivileged_account(database_files: Path) -> Account | None:
    """Return the account that PostgreSQL runs as, or None for our own (which is not root).

    Files that are there already keep their owner, whatever accounts the machine has gained since.
    """
    if os.geteuid() != 0:
        return None
    if database_files.exists() and (owner := database_files.stat()).st_uid != 0:
        return Account(uid=owner.st_uid, gid=owner.st_gid)
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = next(known[name] for name in _CANDIDATES if name in known)
    return Account(uid=entry.pw_uid, gid=entry.pw_gid)


def give(path: Path, account: Account | None) -> None:
    """Make the account the owner of one directory."""
    if account is not None:
        os.chown(path, account.uid, account.gid)


def let_pass(path: Path, account: Account | None) -> None:
    """Let the account walk through the directories above `path`.

    Only the right to pass is added (never to list or read), and only where root lends an account:
    a virtualenv or a data directory under /root would be out of its reach otherwise.
    """
    if account is None:
        return
    for directory in path.resolve().parents:
        mode = directory.stat().st_mode
        if not mode & stat.S_IXOTH:
            directory.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
