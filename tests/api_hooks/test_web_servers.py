"""Real gunicorn and uWSGI: what their workers hand over after a fork arrives, at the latest when they end."""

import signal
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.api_hooks.http_server import PlayedServer, free_port, playing
from tests.others.pythons import environment, python_with
from tests.waiting import wait_until

REQUESTS = 30
WORKERS = 2
APPLICATION = "tests.api_hooks.web_application"

pytestmark = pytest.mark.timeout(900)  # the first time they are installed, and uWSGI compiled


@pytest.fixture(scope="module")
def gunicorn() -> Path:
    return python_with("gunicorn")


@pytest.fixture(scope="module")
def uwsgi() -> Path:
    return python_with("uwsgi")


@contextmanager
def running(command: Sequence[str | Path], port: int, log: Path, **environ: str) -> Iterator[None]:
    """A server on this port; at the end it is told to end well, and has to."""
    with log.open("wb") as out:
        server = subprocess.Popen(command, env=environment(**environ), stdout=out, stderr=out)
    try:
        wait_until(lambda: _answers(port), deadline_seconds=60, what="an answer")
        # A worker of uWSGI's that is told to end while it still loads the application stays for ever, hook or none.
        wait_until(lambda: len(_busy(port)) == WORKERS, deadline_seconds=60, what="every worker at work")
        yield
        server.send_signal(signal.SIGTERM)  # at INT gunicorn breaks off who has given its answer and is not yet done
        server.wait(60)
    finally:
        server.kill()
        server.wait(30)
    assert "Traceback" not in log.read_text()


def _answers(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/ready", timeout=10) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _busy(port: int) -> set[str]:
    """Make a request for each worker at once; return the processes that answered."""

    def one(_: int) -> str:
        with urlopen(f"http://127.0.0.1:{port}/busy", timeout=30) as answer:
            return str(answer.read().decode())

    with ThreadPoolExecutor(WORKERS) as pool:
        return set(pool.map(one, range(WORKERS)))


def ask(port: int) -> set[str]:
    """Make requests; return the processes that answered."""
    answered = set()
    for number in range(REQUESTS):
        with urlopen(f"http://127.0.0.1:{port}/{number}", timeout=30) as answer:
            answered.add(answer.read().decode())
    return answered


def arrived(server: PlayedServer) -> tuple[set[str], set[str]]:
    """Return the paths that arrived, each of them once, and the processes they came from."""
    ids = [str(generation["id"]).split("-") for generation in server.generations]
    paths = [path for path, _ in ids if path not in ("/ready", "early")]
    assert len(set(paths)) == len(paths)
    return set(paths), {pid for path, pid in ids if path not in ("/ready", "early")}


def early(server: PlayedServer) -> list[str]:
    return [str(one["id"]) for one in server.generations if str(one["id"]).startswith("early")]


PATHS = {f"/{number}" for number in range(REQUESTS)}


@pytest.mark.parametrize("workers", [["--worker-class=sync"], ["--worker-class=gthread", "--threads=4"]])
@pytest.mark.parametrize("loading", [[], ["--preload"]])
def test_what_workers_of_gunicorn_hand_over_arrives_when_they_end(
    gunicorn: Path, loading: list[str], workers: list[str], tmp_path: Path
) -> None:
    port = free_port()
    bind = ["--bind", f"127.0.0.1:{port}", "--workers=2", "--graceful-timeout=20", "--no-control-socket"]
    command = [gunicorn, "-m", "gunicorn", *bind, *workers, *loading, f"{APPLICATION}:application"]
    with playing() as server:
        with running(command, port, tmp_path / "log", HOOK_URL=server.url, HOOK_EARLY="1"):
            answered = ask(port)
        assert arrived(server) == (PATHS, answered)
        # With preloading the first process alone, and else each worker, has loaded the application.
        assert len(early(server)) == len(set(early(server))) == (1 if loading else 2)


@pytest.mark.parametrize("loading", [[], ["--lazy-apps"]])
def test_what_workers_of_uwsgi_hand_over_arrives_when_they_end(uwsgi: Path, loading: list[str], tmp_path: Path) -> None:
    port = free_port()
    bind = ["--http-socket", f"127.0.0.1:{port}", "--processes=2", "--master", "--enable-threads", "--die-on-term"]
    command = [uwsgi.with_name("uwsgi"), *bind, *loading, "--module", APPLICATION]
    with playing() as server:
        with running(command, port, tmp_path / "log", HOOK_URL=server.url, HOOK_EARLY="1"):
            answered = ask(port)
        assert arrived(server) == (PATHS, answered)
        # Without lazy loading the first process alone has loaded it, in which uWSGI lets no thread of Python run.
        assert len(early(server)) == len(set(early(server))) == (2 if loading else 0)
