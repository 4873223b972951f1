"""Sessions and their workers side by side: folders of their own, files given out whole, and room for tests that measure.

While a test marked `alone` runs, no other worker of its session runs a test.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

WORKERS_OF_A_REDIS = 7
"""It has 15 databases for tests, and a worker needs two."""

_OWN_FOLDER = pytest.StashKey[Path]()


@pytest.hookimpl(tryfirst=True)  # before pytest reads the option
def pytest_configure(config: pytest.Config) -> None:
    """Give the session a temporary folder that no other one touches, and let what it starts keep what Python compiles.

    Of pytest's own, which all sessions share, each takes the rights away with which the others' PostgreSQL, another
    account than root, comes to its files.
    """
    # With it, each of LiteLLM's seven starts compiles LiteLLM: 15 s of computing, 7 s without.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if config.option.basetemp is None:
        config.option.basetemp = tempfile.mkdtemp(prefix="aftertag-tests-")
        config.stash[_OWN_FOLDER] = Path(config.option.basetemp)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Leave what the tests wrote only where one of them failed."""
    own = session.config.stash.get(_OWN_FOLDER, None)
    if own is not None and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        shutil.rmtree(own, ignore_errors=True)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # around pytest-timeout's: waiting for a turn is no test's time
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Run a test marked `alone` while no other worker runs one."""
    if not hasattr(item.config, "workerinput"):
        return (yield)
    with turn(Path(item.config.option.basetemp).parent, alone=item.get_closest_marker("alone") is not None):
        return (yield)


@pytest.hookimpl(optionalhook=True)  # without pytest-xdist nobody calls it
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """`-n auto`: one worker more than processors, because one of them always waits for something."""
    workers = (os.cpu_count() or 1) + 1
    return min(workers, WORKERS_OF_A_REDIS) if os.environ.get("AFTERTAG_TEST_REDIS_URL") else workers


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Give out whole files, in their order: what a module's fixtures start is started once, and the longest are first."""
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)


@contextmanager
def turn(folder: Path, *, alone: bool) -> Iterator[None]:
    """Wait for the room that all who name this folder share, and be in it: with others, or alone."""
    with (folder / "door.lock").open("w") as door, (folder / "room.lock").open("w") as room:
        fcntl.flock(door, fcntl.LOCK_EX)  # whoever waits for the empty room stands in the door: nobody slips in before
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(room, fcntl.LOCK_UN)  # in so many words: a child that a test has forked holds the file open
