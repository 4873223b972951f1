"""A pytest plugin for other people's tests: it turns our instrumentation on, and writes down how every test ended.

OUTCOMES       the file to write: {"outcomes": {test: outcome}, "handed_over": count, "lost": {reason: count}}
INSTRUMENTED   1: with the instrumentation; else without
"""

import json
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import api_hooks
from api_hooks import current
from api_hooks.settings import Settings

_outcomes: dict[str, str] = {}
_line = ExitStack()


class _Nowhere:
    def send(self, batch: bytes) -> int:
        return 0

    def close(self) -> None:
        pass


def pytest_configure() -> None:
    settings = Settings.build({"url": "redis://nowhere", "workspace": "acme", "flush_seconds": 0.05}, {})
    _line.enter_context(current.sending_to(_Nowhere(), settings))
    if os.environ["INSTRUMENTED"] == "1":
        api_hooks.instrument_openai()


def pytest_runtest_logreport(report: Any) -> None:
    """A test that fails in its setup or teardown has failed; one that is skipped never gets to its call."""
    if report.when == "call" or report.outcome != "passed":
        _outcomes[report.nodeid] = report.outcome


def pytest_sessionfinish() -> None:
    api_hooks.flush(30)
    stats = api_hooks.stats()
    ended = {"outcomes": _outcomes, "handed_over": stats.sent, "lost": stats.dropped}
    Path(os.environ["OUTCOMES"]).write_text(json.dumps(ended))
