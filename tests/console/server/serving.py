"""A real `aftertag serve` of the test's own, and somebody who talks to it."""

import gzip
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Engine

from tests.waiting import wait_until

ROOT = Path(__file__).parents[3]
_ADDRESS = re.compile(r"http://[\d.]+:\d+")


class Server:
    """`python -P -m console serve` on a free port, with everything it writes in one file."""

    def __init__(self, environ: Mapping[str, str], log: Path) -> None:
        self.log_path = log
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("AFTERTAG_")}
        own = {"AFTERTAG_HTTP_PORT": "0", "AFTERTAG_LOG_FORMAT": "json", "PYTHONPATH": str(ROOT)}
        with log.open("ab") as out:
            self.child = subprocess.Popen(
                [sys.executable, "-P", "-m", "console", "serve"],
                cwd=ROOT,
                env={**inherited, **own, **environ},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        wait_until(lambda: self._address() or self.child.poll() is not None, what="a ready server")
        assert self.child.poll() is None, self.log
        self.url = str(self._address())

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def _address(self) -> str | None:
        said = [line for line in self.log.splitlines() if "aftertag serve ready." in line]
        return _ADDRESS.findall(said[-1])[0] if said else None

    def kill(self) -> None:
        """End it as kill -9 does."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGKILL)
        self.child.wait(30)

    def ask_to_end(self) -> None:
        self.child.send_signal(signal.SIGTERM)


def address_of(engine: Engine) -> str:
    """The address of the engine's database, as settings take it."""
    return engine.url.render_as_string(hide_password=False)


@contextmanager
def serving(database_url: str, redis_url: str | None, directory: Path, **settings: str) -> Iterator[Server]:
    """A server that is gone afterwards; settings by their variables' names without the prefix."""
    environ = {f"AFTERTAG_{name.upper()}": value for name, value in settings.items()}
    environ |= {"AFTERTAG_DATABASE_URL": database_url, "AFTERTAG_DATA_DIR": str(directory / "nothing")}
    if redis_url is not None:
        environ["AFTERTAG_REDIS_URL"] = redis_url
    number = len(list(directory.glob("serve-*.log")))
    server = Server(environ, directory / f"serve-{number}.log")
    try:
        yield server
    finally:
        server.kill()


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody with a key; `client` is theirs."""

    client: httpx.Client
    headers: dict[str, str] = field(default_factory=dict)

    def post(self, body: object, path: str = "/v1/generations", **headers: str) -> httpx.Response:
        """Send `body`, as it is when it is bytes, else as JSON; headers by their names with _ for -."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        more = httpx.Headers({"content-type": "application/json", **self.headers})
        more.update({name.replace("_", "-"): value for name, value in headers.items()})
        return self.client.post(path, content=content, headers=more)

    def zipped(self, body: bytes) -> httpx.Response:
        return self.post(gzip.compress(body), content_encoding="gzip")


@contextmanager
def caller(server: Server, token: str | None) -> Iterator[Caller]:
    """A client of the server's with this key."""
    with httpx.Client(base_url=server.url, timeout=60, trust_env=False) as client:
        yield Caller(client=client, headers={"Authorization": f"Bearer {token}"} if token else {})


def answered(shop: Caller, sent: object) -> dict[str, int] | None:
    """What the server says of it, unless it cannot now."""
    answer = shop.post(sent)
    return dict(answer.json()) if answer.status_code == 200 else None


def said(text: str = "Why is the sky blue?", **fields: Any) -> dict[str, Any]:
    """A generation as somebody writes it by hand."""
    return {"messages": [{"role": "user", "content": text}], "output": "It scatters.", "model": "m", **fields}
