"""An engine on a database of the test's own, a Redis beside it, and a line of one worker process on it."""

from collections.abc import Iterator

import pytest
import redis
from sqlalchemy import Engine

from tests.worker import line_stage
from tests.worker.line_stage import Bells, Staged
from worker import broker_state
from worker.gates import Gates
from worker.line import Line
from worker.store import engine as engines


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = engines.connect(database_url, connections=20)
    yield engine
    engine.dispose()


@pytest.fixture
def client(redis_db_url: str) -> Iterator[redis.Redis]:
    with broker_state.connect(redis_db_url) as connected:
        yield connected


@pytest.fixture
def staged(engine: Engine) -> Iterator[Staged]:
    with line_stage.open_line(engine) as staged:
        yield staged


@pytest.fixture
def line(staged: Staged) -> Line:
    return staged.line


@pytest.fixture
def bells(staged: Staged) -> Bells:
    """Whom the line rang for."""
    return staged.bells


@pytest.fixture
def gates(staged: Staged) -> Gates:
    """Which queues the line consumes."""
    return staged.gates
