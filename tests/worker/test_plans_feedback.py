"""What goes through many days looks into few at a time: erasing feedback, reading it, sending tags to Langfuse."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from tests.worker import line_rows, plans
from tests.worker.line_rows import NOW
from tests.worker.plans import Plan
from worker.store import erasure, feedback, langfuse_scores

TIMES = [NOW - timedelta(days=age) for age in (80, 45, 10, 1, 0)]
OF_EACH_DAY = 7


@pytest.fixture(autouse=True)
def _rows(engine: Engine) -> None:
    """Each day ann's generations; feedback of others on them, and of hers on others'."""
    line_rows.days(engine, *TIMES)
    with engine.begin() as connection:
        line_rows.workspace(connection, "acme")
        for place, created_at in enumerate(TIMES):
            for number in range(OF_EACH_DAY):
                name = f"{place}-{number}"
                line_rows.generation(connection, "acme", name, created_at=created_at, user_id="ann")
                line_rows.feedback(connection, "acme", f"on {name}", "0-0", created_at=created_at, user_id="ben")
                line_rows.feedback(connection, "acme", f"by {name}", "of-ben", created_at=created_at, user_id="ann")
        line_rows.feedback(connection, "acme", "of others", "of-ben", user_id="ben")


def most_days(sent: Sequence[Plan], table: str) -> int:
    return max(sum(one.startswith(f"{table}_2") for one in plan.partitions) for plan in sent)


@pytest.mark.parametrize("user", [None, "ann"])
@pytest.mark.parametrize("batch_rows", [3, 2_000])
def test_erasing_looks_into_one_day_of_feedback_at_a_time(engine: Engine, user: str | None, batch_rows: int) -> None:
    erased = []
    with engine.connect() as connection:
        expected = erasure.count(connection, "acme", user=user)
    sent = plans.of(engine, lambda _: erased.append(erasure.erase(engine, "acme", user=user, batch_rows=batch_rows)))
    assert erased == [expected]
    assert expected.feedback == 2 * OF_EACH_DAY * len(TIMES) + (user is None)
    assert most_days(sent, "feedback") == 1
    with engine.connect() as connection:
        left = connection.execute(text("select id from feedback")).scalars().all()
    assert left == ([] if user is None else ["of others"])


def test_feedback_of_long_after_is_told_a_month_at_a_time(engine: Engine) -> None:
    found: list[feedback.Given] = []
    sent = plans.of(
        engine, lambda connection: found.extend(feedback.of_generation(connection, ("acme", "0-0", TIMES[0])))
    )
    assert [one.created_at for one in found] == sorted(TIMES * OF_EACH_DAY)
    assert most_days(sent, "feedback") < len(TIMES)


def test_tags_that_langfuse_does_not_have_are_looked_for_a_day_at_a_time(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("""update generations set tags = '{"a": "b"}', metadata = '{"trace_id": "t"}'"""))
    pages: list[list[str]] = []

    def page_by_page(connection: object) -> None:
        place = langfuse_scores.BEGINNING
        while page := langfuse_scores.unsent(
            connection,  # type: ignore[arg-type]
            "acme",
            project="p",
            since=TIMES[1] - timedelta(hours=1),
            after=place,
            limit=10,
        ):
            pages.append([one.id for one in page])
            place = page[-1].place

    sent = plans.of(engine, page_by_page)
    assert [id_ for page in pages for id_ in page] == [
        f"{place}-{number}" for place in range(1, len(TIMES)) for number in range(OF_EACH_DAY)
    ]
    assert [len(page) for page in pages] == [10, 10, 8]
    assert most_days(sent, "generations") == 1
