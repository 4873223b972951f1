"""This process's line: made by the first call, made anew in a forked child, flushed when the interpreter ends."""

import concurrent.futures.thread  # noqa: F401 - redis needs it; neither when the interpreter ends nor while it forks may it be imported
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from api_hooks import endings, forking
from api_hooks.errors import SettingsError
from api_hooks.flusher import Sender
from api_hooks.line import Line, Stats
from api_hooks.settings import Settings

_making = threading.RLock()
_line: Line | None = None
_is_watching = False
_pid = 0
_instead: Sender | None = None

# A child must neither use nor tear down what belongs to its parent: locks that are held, a socket in mid-sentence.
_inherited: list[Line] = []

_last_words: list[Callable[[], None]] = []


def line() -> Line:
    """The line of this process; uWSGI forks without telling the interpreter, so that it has to be asked which this is."""
    if _line is not None and os.getpid() == _pid:
        return _line
    return _first()


def configure(given: Mapping[str, Any]) -> Settings:
    """Replace the line; the one before sends what it has."""
    global _line
    settings = Settings.build(given)
    if _line is not None:
        line()
    with _making:
        before, _line = _line, _new(settings)
        _watch()
    if before is not None:
        before.close(before.settings.exit_seconds)
    return settings


@contextmanager
def sending_to(sender: Sender, settings: Settings) -> Iterator[None]:
    """Have a line of its own inside, also after `configure`, that sends to this instead; the line before comes back."""
    global _line, _instead  # noqa: PLW0603 - one per process
    with _making:
        before = _line, _instead
        _instead = sender
        _line = _new(settings)
        _watch()
    try:
        yield
    finally:
        with _making:
            last, (_line, _instead) = _line, before
        if last is not None:
            last.close(last.settings.exit_seconds)


def flush(timeout_seconds: float) -> bool:
    return _line is None or line().flush(timeout_seconds)


def close(timeout_seconds: float) -> bool:
    return line().close(timeout_seconds)


def stats() -> Stats:
    return line().stats()


def before_the_end(say: Callable[[], None]) -> None:
    """Have this called, which never raises, before the line is closed because the process ends."""
    with _making:
        _last_words.append(say)
        _watch()


def count_lost(reason: str) -> None:
    """Count a generation that did not even reach the buffer."""
    if _line is not None:
        _line.lose(reason)


def _first() -> Line:
    global _line  # noqa: PLW0603 - one per process
    if _is_watching and os.getpid() != _pid:
        _after_fork_in_child()
    with _making:
        if _line is None:
            try:
                _line = _new(Settings.build({}))
            except SettingsError:
                _line = _new(Settings())  # counts what comes as not_configured, and its thread says so
            _watch()
    return _line


def _watch() -> None:
    global _is_watching, _pid  # noqa: PLW0603 - one per process
    if not _is_watching:
        _is_watching = True
        _pid = os.getpid()
        os.register_at_fork(before=_before_fork, after_in_parent=forking.let_go, after_in_child=_after_fork_in_child)
        endings.at_the_end_of_the_interpreter(_close)


def _before_fork() -> None:
    if _line is not None:
        _line.doorstep.take_in()  # a child may retrieve what its parent asked for in the background
    forking.hold()


def _after_fork_in_child() -> None:
    global _making, _line, _pid  # noqa: PLW0603 - one per process
    _pid = os.getpid()
    forking.renew()
    _making = threading.RLock()
    if _line is not None:
        _inherited.append(_line)
        _line = _new(_line.settings)


def _new(settings: Settings) -> Line:
    return Line(settings, sender=_instead, on_start=lambda: endings.at_the_end_of_a_child(_close))


def _close() -> None:
    """At the end of a process that has handed over something; what its parent has is the parent's."""
    for say in _last_words if os.getpid() == _pid else ():
        say()
    if _line is not None and os.getpid() == _pid:
        _line.close(_line.settings.exit_seconds)
