import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import api_hooks
from api_hooks.line import Line
from api_hooks.settings import Settings
from tests.api_hooks.senders import KeepingSender


@pytest.fixture
def closes_the_hook() -> Iterator[None]:
    """The process's own hook, which the test configures, is closed afterwards and sends nothing more."""
    yield
    api_hooks.close(0.0)
    api_hooks.configure(url="redis://127.0.0.1:1/0")
    api_hooks.close(0.0)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that nobody vouches for; its key is in `key.pem` beside it."""
    if shutil.which("openssl") is None and "CI" not in os.environ:
        pytest.skip("no openssl to make a certificate with")
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=hook"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "server.pem"]
    subprocess.run([*make.split(), *names], check=True, capture_output=True)
    return tmp_path / "server.pem"


@pytest.fixture
def sender() -> KeepingSender:
    return KeepingSender()


@pytest.fixture
def line_to(sender: KeepingSender) -> Iterator[Callable[..., Line]]:
    """Make lines to the sender; they are closed afterwards."""
    with ExitStack() as stack:

        def make(**given: Any) -> Line:
            settings = {"url": "redis://nowhere", "workspace": "acme", "flush_seconds": 0.02, **given}
            line = Line(Settings.build(settings, {}), sender=sender)
            stack.callback(line.close, 0.0)
            stack.callback(sender.may_send.set)
            return line

        yield make
