"""`aftertag langfuse push`: every tag becomes one score, however often it is pushed, and follows its tag."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.console.command_line import CommandLine, on
from tests.console.langfuse.langfuse_server import KEYS, LangfuseServer

PUSH = ("langfuse", "push", "-w", "acme")
TRACE, SPAN = "8c1f0b7a2d3e4f5061728394a5b6c7d8", "3f2b1a0c9d8e7f60"
NOW = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)


@pytest.fixture(params=[True, False], ids=["lists", "one at a time"])
def langfuse(request: pytest.FixtureRequest) -> Iterator[LangfuseServer]:
    with LangfuseServer(lists=request.param) as server:
        yield server


@pytest.fixture
def new_langfuse() -> Iterator[LangfuseServer]:
    with LangfuseServer() as server:
        yield server


def command_line(database_url: str, server: LangfuseServer, **settings: str) -> CommandLine:
    keys = dict(zip(("LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY"), KEYS, strict=True))
    found = on(database_url, **{"LANGFUSE_HOST": server.url, **keys, **settings})
    if not rows(database_url, "select id from workspaces"):
        found.done("workspace", "create", "acme")
        found.done("migrate")
    return found


def rows(database_url: str, statement: str, *given: Any) -> list[Any]:
    with psycopg.connect(database_url) as connection:
        cursor = connection.execute(statement, given)  # type: ignore[call-overload]
        return cursor.fetchall() if cursor.description else []


def generation(
    database_url: str, id_: str, tags: dict[str, Any], *, created_at: datetime = NOW, **metadata: str
) -> None:
    """A generation with these tags; in a trace unless its metadata says otherwise."""
    with psycopg.connect(database_url) as connection:
        day = created_at.date()
        connection.execute(
            f"create table if not exists generations_{day:%Y%m%d} partition of generations"  # type: ignore[call-overload]
            f" for values from ('{day}') to ('{day + timedelta(days=1)}')"
        )
        connection.execute(
            "insert into generations (workspace, id, created_at, tags, metadata) values ('acme', %s, %s, %s, %s)",
            (id_, created_at, Jsonb(tags), Jsonb(metadata or {"trace_id": TRACE, "span_id": SPAN})),
        )


def tag(database_url: str, id_: str, tags: dict[str, Any]) -> None:
    rows(database_url, "update generations set tags = %s where id = %s", Jsonb(tags), id_)


def test_every_value_is_a_score_of_its_observation_and_pushing_again_sends_nothing(
    database_url: str, langfuse: LangfuseServer
) -> None:
    aftertag = command_line(database_url, langfuse)
    generation(database_url, "1", {"department": "legal", "task_type": ["drafting", "research"]})
    generation(database_url, "2", {}, trace_id=TRACE)
    generation(database_url, "3", {"department": "hr"}, trace_id="another")
    generation(database_url, "4", {"department": "hr"}, note="nobody knows its trace")
    assert aftertag.done(*PUSH).stdout == "Sent 4 scores of 2 generations, deleted 0.\n"
    expected = [
        ("department", "hr", "another", None),
        ("department", "legal", TRACE, SPAN),
        ("task_type", "drafting", TRACE, SPAN),
        ("task_type", "research", TRACE, SPAN),
    ]
    assert langfuse.scores == expected
    requests = langfuse.requests.total()
    assert aftertag.done(*PUSH).stdout == "Sent 0 scores of 0 generations, deleted 0.\n"
    assert (langfuse.scores, langfuse.requests.total()) == (expected, requests)


def test_what_was_sent_and_not_remembered_is_the_same_scores_again(database_url: str, langfuse: LangfuseServer) -> None:
    aftertag = command_line(database_url, langfuse)
    generation(database_url, "1", {"department": "legal", "task_type": ["drafting", "research"]})
    aftertag.done(*PUSH)
    before = langfuse.scores
    rows(database_url, "update generations set langfuse_scores = null")
    rows(database_url, f"alter database {urlsplit(database_url).path[1:]} set timezone to 'Asia/Tokyo'")
    assert aftertag.done(*PUSH).stdout == "Sent 3 scores of 1 generations, deleted 0.\n"
    assert langfuse.scores == before


def test_a_changed_tag_changes_its_score_and_what_is_gone_takes_its_score_away(
    database_url: str, langfuse: LangfuseServer
) -> None:
    aftertag = command_line(database_url, langfuse)
    generation(database_url, "1", {"department": "legal", "task_type": ["drafting", "research", "review"]})
    aftertag.done(*PUSH)
    tag(database_url, "1", {"department": "hr", "task_type": ["research"]})
    assert aftertag.done(*PUSH).stdout == "Sent 2 scores of 1 generations, deleted 2.\n"
    assert langfuse.scores == [("department", "hr", TRACE, SPAN), ("task_type", "research", TRACE, SPAN)]
    tag(database_url, "1", {})
    assert aftertag.done(*PUSH).stdout == "Sent 0 scores of 1 generations, deleted 2.\n"
    assert langfuse.scores == []
    assert aftertag.done(*PUSH).stdout == "Sent 0 scores of 0 generations, deleted 0.\n"


def test_another_project_knows_nothing_of_what_was_sent(database_url: str, new_langfuse: LangfuseServer) -> None:
    generation_of = command_line(database_url, new_langfuse)
    generation(database_url, "1", {"department": "legal"})
    generation_of.done(*PUSH)
    with LangfuseServer() as other:
        assert command_line(database_url, other).done(*PUSH).stdout == "Sent 1 scores of 1 generations, deleted 0.\n"
        assert other.scores == [("department", "legal", TRACE, SPAN)]


def test_only_what_is_recent_enough_is_sent(database_url: str, new_langfuse: LangfuseServer) -> None:
    aftertag = command_line(database_url, new_langfuse)
    generation(database_url, "old", {"department": "legal"}, created_at=NOW - timedelta(days=20))
    generation(database_url, "new", {"department": "legal"})
    assert aftertag.done(*PUSH, "--since", "7d").stdout == "Sent 1 scores of 1 generations, deleted 0.\n"
    assert aftertag.done(*PUSH).stdout == "Sent 1 scores of 1 generations, deleted 0.\n"


def test_many_generations_go_in_few_requests_and_are_all_there(database_url: str, new_langfuse: LangfuseServer) -> None:
    aftertag = command_line(database_url, new_langfuse)
    for number in range(450):
        time = NOW + timedelta(seconds=number // 3)  # pages end among generations of one time
        generation(database_url, f"{number:03}", {"department": "legal", "task_type": "drafting"}, created_at=time)
    assert aftertag.done(*PUSH).stdout == "Sent 900 scores of 450 generations, deleted 0.\n"
    assert (len(new_langfuse.stored), new_langfuse.requests["POST"]) == (900, 9)


def test_a_dry_run_counts_and_sends_nothing(database_url: str, langfuse: LangfuseServer) -> None:
    aftertag = command_line(database_url, langfuse)
    generation(database_url, "1", {"department": "legal"})
    assert aftertag.done(*PUSH, "--dry-run").stdout == "Would send 1 scores of 1 generations, deleted 0.\n"
    assert langfuse.requests.total() == 0
    assert aftertag.done(*PUSH, "--json").json == {
        "workspace": "acme",
        "generations": 1,
        "scores": 1,
        "deleted": 0,
        "rejected": [],
    }


def test_a_score_that_langfuse_rejects_is_told_and_the_others_are_taken(
    database_url: str, langfuse: LangfuseServer
) -> None:
    aftertag = command_line(database_url, langfuse)
    for number, department in enumerate(["legal", "refused", "hr"]):
        generation(database_url, str(number), {"department": department}, created_at=NOW + timedelta(seconds=number))
    ended = aftertag(*PUSH)
    assert (ended.exit_code, ended.stdout) == (1, "Sent 2 scores of 2 generations, deleted 0, 1 rejected.\n")
    assert ended.stderr.startswith("1, department: Langfuse rejects it: ")
    assert [value for _, value, _, _ in langfuse.scores] == ["hr", "legal"]
    assert aftertag(*PUSH).stdout == "Sent 0 scores of 0 generations, deleted 0, 1 rejected.\n"


def test_the_environment_of_a_trace_is_its_scores_too(database_url: str, new_langfuse: LangfuseServer) -> None:
    aftertag = command_line(database_url, new_langfuse)
    generation(database_url, "1", {"department": "legal"}, trace_id=TRACE, environment="staging")
    generation(database_url, "2", {"department": "hr"}, trace_id=TRACE, environment="No Such!")
    aftertag.done(*PUSH)
    assert {one["value"]: one.get("environment") for one in new_langfuse.stored.values()} == {
        "legal": "staging",
        "hr": None,
    }


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"LANGFUSE_SECRET_KEY": ""}, "Set LANGFUSE_SECRET_KEY: Langfuse shows a project's keys in its settings."),
        (
            {"LANGFUSE_BASE_URL": "langfuse.example"},
            "LANGFUSE_BASE_URL is 'langfuse.example'; write an address such as",
        ),
        (
            {"LANGFUSE_SECRET_KEY": "sk-lf-wrong"},
            "refuses the keys; check that LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY",
        ),
    ],
)
def test_what_is_not_set_up_is_one_sentence(
    database_url: str, new_langfuse: LangfuseServer, settings: dict[str, str], sentence: str
) -> None:
    aftertag = command_line(database_url, new_langfuse, **settings)
    generation(database_url, "1", {"department": "legal"})
    told = aftertag.refused(*PUSH)
    assert sentence in told
    assert "sk-lf" not in told


def test_what_is_no_langfuse_is_one_sentence(database_url: str, new_langfuse: LangfuseServer) -> None:
    aftertag = command_line(database_url, new_langfuse, LANGFUSE_HOST=f"{new_langfuse.url}/elsewhere")
    generation(database_url, "1", {"department": "legal"})
    assert aftertag.refused(*PUSH).endswith("answered HTTP 404, as Langfuse does not; check LANGFUSE_HOST.")
