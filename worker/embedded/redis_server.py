"""An embedded Redis on loopback, run by the engine that `redis_engine` finds. A real one stands behind a password."""

import json
import secrets
import signal
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from worker.embedded import children, errors
from worker.embedded.redis_engine import Engine, Wanted, find_engine

START_SECONDS = 20.0
_PORT_TRIES = 5


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
        password = f":{self._password}@" if self.engine.name == "redis" else ""
        return f"redis://{password}127.0.0.1:{self.port}/0"

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
        """End at once."""
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
        lines = [f"port {self.port}"]
        if self.engine.name == "redis":
            lines += [
                f"requirepass {self._password}",
                "bind 127.0.0.1",
                f"dir {json.dumps(str(self.directory))}",
                'save ""',
                f"appendonly {'yes' if self.durable else 'no'}",
                "maxmemory-policy noeviction",
                "daemonize no",
            ]
        return "\n".join(lines) + "\n"

    def _answers(self) -> bool:
        # No retries inside the client: its backoff is longer than our start.
        client = redis.Redis.from_url(
            self.url, socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), retries=0)
        )
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False  # not listening yet, still loading its file, or a stranger's (then ours ends: port taken)
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
