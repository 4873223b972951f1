"""Langfuse's client: what may succeed is tried again, by the library's clock, and not before the server wants it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from console.errors import LangfuseError
from console.langfuse.client import SCORES_AT_ONCE, TRIES, Langfuse
from console.langfuse.scores import Score, scores_of
from console.langfuse.settings import Settings
from tests.console.langfuse.langfuse_server import KEYS, LangfuseServer
from worker.store.langfuse_scores import Unsent


@pytest.fixture(params=[True, False], ids=["lists", "one at a time"])
def server(request: pytest.FixtureRequest) -> Iterator[LangfuseServer]:
    with LangfuseServer(lists=request.param) as found:
        yield found


def client(server: LangfuseServer, sleep: Callable[[float], None] = lambda seconds: None) -> Langfuse:
    return Langfuse(Settings(address=server.url, public_key=KEYS[0], secret_key=KEYS[1]), sleep=sleep)


def scores(count: int = 1, *, value: str = "legal") -> list[Score]:
    return [
        score
        for number in range(count)
        for score in scores_of(
            Unsent(
                workspace="acme",
                id=str(number),
                created_at=datetime(2026, 8, 3, tzinfo=UTC),
                trace_id="t",
                span_id=None,
                environment=None,
                tags={"department": value},
                sent={},
            )
        )
    ]


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_what_may_succeed_is_sent_again(server: LangfuseServer, status: int) -> None:
    server.faults.extend([(status, {})] * 3)
    waited: list[float] = []
    with client(server, waited.append) as langfuse:
        assert langfuse.send(scores()) == []
    assert len(server.stored) == 1
    assert len(waited) == 3


def test_a_server_that_says_when_is_not_asked_before(server: LangfuseServer) -> None:
    server.faults.extend(
        [(429, {"Retry-After": "40"}), (503, {"Retry-After": "100000"}), (503, {"Retry-After": "soon"})]
    )
    waited: list[float] = []
    with client(server, waited.append) as langfuse:
        langfuse.send(scores())
    assert waited[0] == 40
    assert waited[1] == 120  # nobody waits for a day
    assert waited[2] <= 30


def test_after_so_many_tries_it_ends_with_what_to_do(server: LangfuseServer) -> None:
    server.faults.extend([(503, {})] * 100)
    with client(server) as langfuse, pytest.raises(LangfuseError) as caught:
        langfuse.send(scores())
    assert str(caught.value).endswith(
        f"did not take the scores in {TRIES} tries (HTTP 503); run it again later: what was sent is remembered."
    )
    assert server.requests["POST"] == TRIES


def test_a_server_that_is_not_there_is_told(server: LangfuseServer) -> None:
    address = Settings(address="http://127.0.0.1:1", public_key="a", secret_key="b")
    with Langfuse(address, sleep=lambda seconds: None) as langfuse, pytest.raises(LangfuseError) as caught:
        langfuse.send(scores())
    assert "http://127.0.0.1:1 did not take the scores in 8 tries (ConnectError)" in str(caught.value)


def test_scores_go_in_lists_where_langfuse_takes_them_and_else_one_by_one(server: LangfuseServer) -> None:
    count = 2 * SCORES_AT_ONCE + 1
    with client(server) as langfuse:
        assert langfuse.send(scores(count)) == []
    assert len(server.stored) == count
    assert server.requests["POST"] == (3 if server.lists else count + 2)  # tried as lists of 100 and of one first


def test_a_list_that_is_too_large_is_halved() -> None:
    with LangfuseServer() as server, client(server) as langfuse:
        assert langfuse.send(scores(60, value="x" * 30_000)) == []
        assert len(server.stored) == 60


def test_a_score_that_is_not_there_is_as_good_as_deleted(server: LangfuseServer) -> None:
    with client(server) as langfuse:
        [score] = scores()
        langfuse.send([score])
        langfuse.delete(score.id)
        langfuse.delete(score.id)
    assert server.stored == {}


def test_the_secret_key_stays_out_of_the_settings_repr() -> None:
    assert "sk-lf" not in repr(Settings(address="http://x", public_key=KEYS[0], secret_key=KEYS[1]))
