"""Who runs in a data directory, and where its services are: a lock file and a state file."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Event

import psutil

from worker.embedded import errors

_FAREWELL_SECONDS = 30.0
_POLL_SECONDS = 0.05
_LOOKS_AT_LEAST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The services of one data directory: where they are and what they are.

    `redis_engine` is redis, fake, or given (the address came from outside); URLs carry passwords and stay out of repr.
    """

    data_dir: Path
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    redis_engine: str
    postgres_description: str
    redis_description: str
    pid: int
    """The process to end: stopping it stops the services."""

    def describe(self) -> tuple[str, str]:
        """Return one line for each service, for people."""
        return (f"PostgreSQL: {self.postgres_description}", f"Redis: {self.redis_description}")

    def to_json(self) -> str:
        return json.dumps(asdict(self) | {"data_dir": str(self.data_dir)})

    @classmethod
    def from_json(cls, text: str) -> "Running":
        found = json.loads(text)
        return cls(**found | {"data_dir": Path(found["data_dir"])})


@contextmanager
def lock(data_dir: Path, *, starter_pid: int) -> Iterator[None]:
    """Hold the data directory. Raise AlreadyRunningError when somebody living holds it.

    A holder whose starter has died is on its way out, and is waited for.
    """
    with (data_dir / "aftertag.lock").open("a+") as file:
        _acquire(file.fileno(), data_dir)
        _write_holder(file.fileno(), starter_pid)
        try:
            yield
        finally:
            os.ftruncate(file.fileno(), 0)


def hand_over_lock(data_dir: Path) -> None:
    """From now on the one who holds the lock is its own starter: its services are kept."""
    with (data_dir / "aftertag.lock").open("r+") as file:
        _write_holder(file.fileno(), os.getpid())


def is_locked(data_dir: Path) -> bool:
    """Return whether somebody holds the data directory."""
    try:
        with (data_dir / "aftertag.lock").open("r") as file:
            return not _try(file.fileno(), fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def holder(data_dir: Path) -> int | None:
    """Return the process that last took the data directory, or None when nobody has said."""
    text = (data_dir / "aftertag.lock").read_text().strip()
    return int(text) if text.isdecimal() else None


def write(running: Running) -> None:
    """Say where the services are, readable for the owner only."""
    draft = running.data_dir / "services.json.draft"
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(running.to_json())
    draft.rename(_state_file(running.data_dir))


def read(data_dir: Path) -> Running | None:
    """Return the services that run in this data directory, or None."""
    try:
        text = _state_file(data_dir).read_text()
    except FileNotFoundError:
        return None
    return Running.from_json(text) if is_locked(data_dir) else None


def remove(data_dir: Path) -> None:
    """Say that no services run here any more."""
    _state_file(data_dir).unlink(missing_ok=True)


def _state_file(data_dir: Path) -> Path:
    return data_dir / "services.json"


def _acquire(descriptor: int, data_dir: Path) -> None:
    give_up_at = time.monotonic() + _FAREWELL_SECONDS
    looks = 0
    while not _try(descriptor, fcntl.LOCK_EX):
        looks += 1
        pid = holder(data_dir)
        # A few looks in any case: `is_locked` holds the lock for an instant too.
        if (lives(pid) and looks >= _LOOKS_AT_LEAST) or time.monotonic() > give_up_at:
            raise errors.AlreadyRunningError(data_dir, pid)
        Event().wait(_POLL_SECONDS)


def lives(pid: int | None) -> bool:
    """Whether a process is there and has not ended; one that its parent has not buried yet has."""
    try:
        return pid is not None and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write_holder(descriptor: int, pid: int) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{pid}\n".encode(), 0)
