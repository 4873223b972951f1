"""AFTERTAG_REDACT in the real server: nothing is stored as it came, whichever way it came."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.console.server.conftest import Tenant
from tests.console.server.serving import Caller, Server, address_of, caller, said, serving
from tests.worker.line_stage import batch, rows, wire

SECRET = "4111-1111-1111-1111"
EVERYTHING = """
select string_agg(t::text, '') from (
    select turns::text from transcripts where workspace = :w
    union all select comment from feedback where workspace = :w
    union all select convert_from(body, 'utf8') from set_aside where workspace = :w) as t
"""


@pytest.fixture(scope="module")
def redacting(shared_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    url = address_of(shared_engine)
    settings = {"redact": "tests.console.server.hiding:hide"}
    with serving(url, None, tmp_path_factory.mktemp("redacting"), **settings) as made:
        yield made


@pytest.fixture
def careful(redacting: Server, tenant: Tenant) -> Iterator[Caller]:
    with caller(redacting, tenant.token) as made:
        yield made


def test_no_secret_is_stored_whichever_way_it_comes(careful: Caller, tenant: Tenant, shared_engine: Engine) -> None:
    careful.post(said(f"My card is {SECRET}."))
    careful.post({"generation_id": "g", "comment": f"It said {SECRET}!"}, path="/v1/feedback")
    turns = [["user", f"My card is {SECRET}.", None, None]]
    good, bad = wire("good", workspace=None, turns=turns), wire("bad", workspace=None, turns=turns, cost_usd=-1)
    about = {**wire("f", workspace=None), "generation_id": "g", "score": "much", "comment": SECRET}
    assert careful.post(batch(good, bad, feedback=[about])).status_code == 200
    (stored,) = rows(shared_engine, EVERYTHING, w=tenant.workspace)
    assert SECRET not in stored
    assert stored.count("[card]") == 5


def test_a_secret_at_the_cut_of_a_turn_is_seen_whole(careful: Caller, tenant: Tenant, shared_engine: Engine) -> None:
    careful.post(said("x" * 4_990 + SECRET))
    (turns,) = rows(shared_engine, "select turns from transcripts where workspace = :w", w=tenant.workspace)
    assert turns[0][1].endswith("x[card]")


def test_what_cannot_be_redacted_is_withheld_and_counted(
    careful: Caller, redacting: Server, tenant: Tenant, shared_engine: Engine
) -> None:
    answer = careful.post([said("unreadable 1"), said("fine")])
    assert answer.json()["recorded"] == 2
    turns = rows(shared_engine, "select turns -> 0 ->> 1 from transcripts where workspace = :w", w=tenant.workspace)
    assert sorted(turns) == ["[withheld]", "fine"]
    assert rows(shared_engine, "select generations from losses where reason = 'text_withheld'") == [1]
    assert "unreadable 1" not in redacting.log
    assert "the function in AFTERTAG_REDACT failed" in redacting.log
