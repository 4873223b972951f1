"""LiteLLM as it is installed from its package: its interpreter, and a real proxy process of a test's own."""

import os
import secrets
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.others.pythons import environment, python_with
from tests.waiting import wait_until

OFFLINE = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_LOCAL_POLICY_TEMPLATES": "True",
    "LITELLM_LOCAL_AUTOROUTER_PRESETS": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
}
"""So that it asks nobody in the internet for prices and news."""

START_SECONDS = 110
"""6 s; up to a minute the first time, when Python compiles it."""


def python() -> Path:
    """The interpreter with LiteLLM; its own hook is ours in this checkout."""
    return python_with("litellm")


def environ(**more: str) -> Mapping[str, str]:
    """What a program with LiteLLM in it is started with; nothing of Aftertag's own but `more`."""
    kept = {name: value for name, value in environment().items() if not name.startswith(("AFTERTAG_", "LITELLM_"))}
    return {**kept, **OFFLINE, **more}


class Proxy:
    """`litellm --config config.yaml` on a free port of its own, with everything it writes in one file."""

    def __init__(self, config: str, directory: Path, files: Mapping[str, str], variables: Mapping[str, str]) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "config.yaml").write_text(config)
        for name, text in files.items():
            (directory / name).write_text(text)
        self.master_key = f"sk-{secrets.token_hex(16)}"
        self.log_path = directory / "litellm.log"
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        interpreter = python()
        with self.log_path.open("ab") as out:
            self.child = subprocess.Popen(
                [
                    interpreter,
                    interpreter.parent / "litellm",
                    "--config",
                    "config.yaml",
                    "--host",
                    "127.0.0.1",
                    "--port",
                    str(self.port),
                ],
                cwd=directory,
                env=environ(LITELLM_MASTER_KEY=self.master_key, **variables),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def wait_until_ready(self) -> None:
        with httpx.Client(base_url=self.url, timeout=2, trust_env=False, verify=False) as client:  # noqa: S501 - plain HTTP
            wait_until(
                lambda: _answers(client) or self.child.poll() is not None,
                deadline_seconds=START_SECONDS,
                what="a proxy",
            )
        assert self.child.poll() is None, self.log[-4_000:]

    def end(self) -> None:
        """Ask it to end, as an operator does; what it has not reported by then it reports on its way."""
        if self.child.poll() is None:
            os.killpg(self.child.pid, signal.SIGTERM)
        try:
            self.child.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait(30)


@contextmanager
def proxy(config: str, directory: Path, *, files: Mapping[str, str] | None = None, **variables: str) -> Iterator[Proxy]:
    """A proxy that is up, with `files` beside its config.yaml and these variables; it is gone afterwards."""
    made = Proxy(config, directory, files or {}, variables)
    try:
        made.wait_until_ready()
        yield made
    finally:
        made.end()


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/health/liveliness").status_code == 200
    except httpx.HTTPError:
        return False


def _free_port() -> int:
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
