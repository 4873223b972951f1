from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Engine, event

from tests.worker.classifier_samples import definition
from tests.worker.meeting import wait_until_somebody_waits
from worker import errors
from worker.store import classifiers, members, workspaces
from worker.store import engine as engines
from worker.store.classifiers import standing


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = engines.connect(database_url)
    with opened.begin() as connection:
        workspaces.create(connection, "acme")
    yield opened
    opened.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.begin() as connection:
        yield connection


def create(connection: Connection, name: str, *dimensions: str, state: classifiers.State = "draft") -> None:
    classifiers.create(connection, "acme", name, definition(*dimensions), state=state, configured_by=None)


def test_a_definition_comes_back_as_it_was_given(connection: Connection) -> None:
    given = definition(
        "department",
        "risk",
        sampling_rate=0.1,
        sample_by="session",
        filters={"apps": ["shop-*"], "metadata": {"team": "a?"}},
        daily_budget_usd="2.50",
        context_tokens=32_000,
    )
    actor = members.acting(connection, "acme", "ada")
    made = classifiers.create(connection, "acme", "work", given, configured_by=actor)
    assert (made.state, made.version, made.configured_by) == ("draft", 1, "ada")
    assert made.definition == given
    assert made.definition.daily_budget_usd == Decimal("2.5")
    assert classifiers.definition(connection, made.id, 1) == given


def test_a_name_is_taken_once_per_workspace(connection: Connection) -> None:
    create(connection, "work")
    with pytest.raises(errors.ConflictError, match="classifier 'work' in 'acme' already"):
        create(connection, "work")
    with pytest.raises(errors.InvalidRequestError, match="cannot name a classifier"):
        create(connection, "My work")
    with pytest.raises(errors.NotFoundError, match="no workspace 'beta'"):
        classifiers.create(connection, "beta", "work", definition(), configured_by=None)


def test_every_change_makes_a_version_and_leaves_the_former_ones_alone(connection: Connection) -> None:
    create(connection, "work", "department")
    ada, bob = (members.acting(connection, "acme", name) for name in ("ada", "bob"))
    changed = definition("department", sampling_rate=0.5)
    assert classifiers.update(connection, "acme", "work", changed, configured_by=ada).version == 2
    made = classifiers.update(connection, "acme", "work", definition("topic"), configured_by=bob)
    history = classifiers.versions(connection, "acme", "work")
    assert [(found.version, found.configured_by) for found in history] == [(3, "bob"), (2, "ada"), (1, None)]
    assert [found.definition for found in history] == [definition("topic"), changed, definition("department")]
    assert classifiers.definition(connection, made.id, 1) == definition("department")


def test_the_same_definition_again_makes_no_version(connection: Connection) -> None:
    classifiers.create(connection, "acme", "work", definition(daily_budget_usd="5"), configured_by=None)
    same = definition(daily_budget_usd="5.00")
    assert classifiers.update(connection, "acme", "work", same, configured_by=None).version == 1
    assert len(classifiers.versions(connection, "acme", "work")) == 1


def test_activating_a_classifier_whose_dimension_is_asked_already_names_both(connection: Connection) -> None:
    create(connection, "work", "topic", "department", state="active")
    create(connection, "teams", "department")
    with pytest.raises(errors.ConflictError, match=r"'teams' and 'work' both ask 'department'"):
        classifiers.activate(connection, "acme", "teams")


def test_a_paused_classifier_keeps_its_dimensions_and_a_draft_holds_none(connection: Connection) -> None:
    create(connection, "work", state="active")
    classifiers.pause(connection, "acme", "work")
    create(connection, "teams")
    with connection.begin_nested() as savepoint:
        with pytest.raises(errors.ConflictError):
            classifiers.activate(connection, "acme", "teams")
        savepoint.rollback()
    classifiers.update(connection, "acme", "work", definition(), state="draft", configured_by=None)
    assert classifiers.activate(connection, "acme", "teams").state == "active"


def test_a_new_version_of_an_active_classifier_may_not_take_anothers_dimension(connection: Connection) -> None:
    create(connection, "work", "department", state="active")
    create(connection, "risks", "risk", state="active")
    with pytest.raises(errors.ConflictError, match="both ask 'department'"):
        classifiers.update(connection, "acme", "risks", definition("risk", "department"), configured_by=None)


def test_two_classifiers_may_exchange_their_dimensions_in_one_go(connection: Connection) -> None:
    create(connection, "one", "department", state="active")
    create(connection, "two", "risk", state="active")
    steps = [
        classifiers.Step(name="one", definition=definition("risk")),
        classifiers.Step(name="two", definition=definition("department")),
    ]
    classifiers.write(connection, "acme", steps, configured_by=None)
    assert [found.version for found in classifiers.list_all(connection, "acme")] == [2, 2]


def test_of_two_that_are_activated_at_the_same_moment_one_is_refused(engine: Engine) -> None:
    with engine.begin() as connection:
        create(connection, "one", "department")
        create(connection, "two", "department")

    def activate_second() -> None:
        with engine.begin() as connection:
            classifiers.activate(connection, "acme", "two")

    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as connection:
            classifiers.activate(connection, "acme", "one")
            second = pool.submit(activate_second)
            wait_until_somebody_waits(engine, what="the second activation waiting for the first")
        with pytest.raises(errors.ConflictError, match="'two' and 'one' both ask 'department'"):
            second.result(timeout=10)
    with engine.begin() as connection:
        assert [found.state for found in classifiers.list_all(connection, "acme")] == ["active", "draft"]


def test_of_many_changes_at_the_same_moment_each_has_a_version_of_its_own(engine: Engine) -> None:
    with engine.begin() as connection:
        create(connection, "work")

    def change(number: int) -> int:
        with engine.begin() as connection:
            given = definition(sampling_rate=number / 100)
            return classifiers.update(connection, "acme", "work", given, configured_by=None).version

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(change, range(16))) == list(range(2, 18))


def test_a_draft_cannot_be_paused(connection: Connection) -> None:
    create(connection, "work")
    with pytest.raises(errors.InvalidRequestError, match="'work' is a draft"):
        classifiers.pause(connection, "acme", "work")


def test_standings_are_the_active_and_paused_classifiers_of_the_workspaces_asked_for(connection: Connection) -> None:
    workspaces.create(connection, "beta")
    ada = members.acting(connection, "acme", "ada")
    classifiers.create(connection, "acme", "work", definition("topic"), state="active", configured_by=ada)
    create(connection, "risks", "risk", state="paused")
    create(connection, "later", "later")
    classifiers.create(connection, "beta", "other", definition("topic"), state="active", configured_by=None)
    found = classifiers.standings(connection, ["acme", "nobody"])
    assert list(found) == ["acme", "nobody"]
    assert found["nobody"] == []
    risks, work = found["acme"]
    assert (risks.paused, work.paused) == (True, False)
    assert (work.version, work.endpoint, work.billed_to) == (1, "local", ada)
    assert work.definition == definition("topic")


def test_a_definition_is_loaded_from_the_database_once(engine: Engine) -> None:
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    with engine.begin() as connection:
        create(connection, "work", state="active")
        classifiers.standings(connection, ["acme"])
        statements.clear()
        (again,) = classifiers.standings(connection, ["acme"])["acme"]
        assert len(statements) == 1
        assert "definition" not in statements[0]
        classifiers.update(connection, "acme", "work", definition(sampling_rate=0.5), configured_by=None)
        (changed,) = classifiers.standings(connection, ["acme"])["acme"]
    assert (again.version, again.definition.sampling_rate) == (1, 1.0)
    assert (changed.version, changed.definition.sampling_rate) == (2, 0.5)


def test_the_definitions_kept_in_the_process_are_bounded() -> None:
    cache = standing._Cache()
    keys = [(uuid4(), 1) for _ in range(standing.MOST_CACHED + 1)]
    for key in keys[:-1]:
        cache.put({key: definition()})
    cache.get(keys[:1])  # used last, so the next that goes is the second
    cache.put({keys[-1]: definition()})
    assert keys[1] not in cache.get(keys)
    assert len(cache.get(keys)) == standing.MOST_CACHED


def test_an_unknown_version_is_not_found(connection: Connection) -> None:
    with pytest.raises(errors.NotFoundError, match="no version 7"):
        classifiers.definition(connection, uuid4(), 7)
