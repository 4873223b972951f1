"""Start PostgreSQL and Redis for one data directory, and say where they are."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

import psutil

from worker.embedded import errors, state
from worker.embedded.keeper import Order
from worker.embedded.redis_engine import Wanted
from worker.embedded.state import Running

_STOP_SECONDS = 45.0
_POLL_SECONDS = 0.05
_STARTER_STOP_SECONDS = 90.0  # it ends a worker first, which finishes its calls
_PACKAGE_ROOT = Path(__file__).parents[2]
_START_KEEPER = (
    f"import sys; sys.path.insert(0, {str(_PACKAGE_ROOT)!r}); "
    "from worker.embedded import keeper; sys.exit(keeper.main())"
)


@contextmanager
def services(
    data_dir: Path,
    *,
    database_url: str | None = None,
    redis_url: str | None = None,
    redis_engine: Wanted = "auto",
    durable: bool = False,
    keep: bool = False,
) -> Iterator[Running]:
    """Yield the services of a data directory, started unless a URL is given; they end with the block.

    `durable` makes what was written survive a power cut (`up`); without it they are faster (demo, tests).
    `keep` leaves them running after the block, until `stop(data_dir)`. They end when this process is killed.
    A service that dies meanwhile is started again at the same address.

    Raises AlreadyRunningError when the data directory is in use, NoServiceProgramError when a service has no
    program at hand, ServiceStartError when one does not come up.
    """
    data_dir = data_dir.expanduser().resolve()
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    order = Order(
        data_dir=str(data_dir),
        database_url=database_url,
        redis_url=redis_url,
        redis_engine=redis_engine,
        durable=durable,
        starter_pid=os.getpid(),
    )
    with _keeper(data_dir) as keeper:
        running = _await_start(keeper, order, data_dir)
        yield running
        if keep:
            _say(keeper, b"keep\n")
            _hear(keeper)


def running_at(data_dir: Path) -> Running | None:
    """Return the services that run in this data directory, whoever started them, or None."""
    return state.read(data_dir.expanduser().resolve())


def stop(data_dir: Path) -> bool:
    """End the services of this data directory and return when they have ended. Return False when none ran.

    Services that somebody living has started (`aftertag up`) are not pulled away under them: they are told to end, and
    end theirs. Raises ServiceStopError when that takes longer than it may.
    """
    running = running_at(data_dir)
    if running is None:
        return False
    starter = state.holder(running.data_dir) or running.pid
    with suppress(psutil.NoSuchProcess):  # it ended between our look and our signal
        psutil.Process(starter).send_signal(signal.SIGTERM)
    give_up_at = time.monotonic() + _STARTER_STOP_SECONDS
    while state.lives(starter) or state.lives(running.pid):
        if time.monotonic() > give_up_at:
            raise errors.ServiceStopError(running.data_dir, starter)
        Event().wait(_POLL_SECONDS)
    return True


@contextmanager
def _keeper(data_dir: Path) -> Iterator[subprocess.Popen[bytes]]:
    # `-P` and a path of our own: a folder named `worker` where somebody stands must not be taken for ours.
    with (data_dir / "keeper.log").open("ab") as log:
        keeper = subprocess.Popen(  # noqa: S603 - this interpreter, our module
            [sys.executable, "-P", "-c", _START_KEEPER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield keeper
    finally:
        assert keeper.stdin is not None and keeper.stdout is not None  # noqa: S101, PT018 - both were asked for
        keeper.stdin.close()
        if _is_kept(data_dir, keeper):
            keeper.returncode = 0  # on its own from here: not a child that somebody forgot
        else:
            _await_end(keeper)
        keeper.stdout.close()


def _is_kept(data_dir: Path, keeper: subprocess.Popen[bytes]) -> bool:
    return keeper.poll() is None and state.holder(data_dir) == keeper.pid


def _await_end(keeper: subprocess.Popen[bytes]) -> None:
    try:
        keeper.wait(timeout=_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        keeper.kill()
        keeper.wait()


def _await_start(keeper: subprocess.Popen[bytes], order: Order, data_dir: Path) -> Running:
    _say(keeper, order.to_line())
    answer = _hear(keeper)
    match answer:
        case {"ready": str(running)}:
            return Running.from_json(running)
        case {"already_running": pid}:
            raise errors.AlreadyRunningError(data_dir, pid if isinstance(pid, int) else None)
        case {"failed": str(problem), "kind": "NoServiceProgramError"}:
            raise errors.NoServiceProgramError(problem)
        case {"failed": str(problem)}:
            raise errors.ServiceStartError(problem)
        case _:
            raise errors.ServiceStartError(
                f"The embedded services ended while starting: read {str(data_dir / 'keeper.log')!r}."
            )


def _say(keeper: subprocess.Popen[bytes], line: bytes) -> None:
    assert keeper.stdin is not None  # noqa: S101 - it was asked for
    try:
        keeper.stdin.write(line)
        keeper.stdin.flush()
    except BrokenPipeError:
        return  # it has ended; what it said or did not say is read next


def _hear(keeper: subprocess.Popen[bytes]) -> dict[str, object]:
    assert keeper.stdout is not None  # noqa: S101 - it was asked for
    line = keeper.stdout.readline()
    return dict(json.loads(line)) if line else {}
