"""Every reason of the closed list is reached, by a scene that makes it happen; each scene leaves the generation `g`."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from classifier_models import marker
from tests.acceptance import samples
from tests.acceptance.in_process import InProcess
from tests.acceptance.samples import generation
from tests.model_server import ModelServer
from tests.waiting import wait_until
from worker.reasons import Kind, Reason, explain
from worker.store import classifiers

A_DAY = timedelta(days=1)

Scene = Callable[[InProcess], object]


def recorded(line: InProcess) -> None:
    line.record(generation("g"))


def asked_at_this_moment(line: InProcess) -> None:
    line.record(generation("g", "play: hang"))
    line.answer_bells(wait=False)


def hung(line: InProcess) -> None:
    line.let_hang()
    asked("hang", times=2)(line)


def asked(play: str, times: int = 1) -> Scene:
    def scene(line: InProcess) -> None:
        line.run(generation("g", f"play: {play}"))
        for _ in range(times - 1):
            line.again()

    return scene


def asked_for_a_day(play: str) -> Scene:
    def scene(line: InProcess) -> None:
        line.run(generation("g", f"play: {play}"))
        line.database.let_pass(A_DAY)
        line.again()

    return scene


def in_a_workspace_without_classifier(line: InProcess) -> None:
    line.run(generation("g", workspace="elsewhere"))


def under_settings(**settings: object) -> Scene:
    def scene(line: InProcess) -> None:
        samples.classifier(line.engine, workspace="other", **settings)
        line.run(generation("g", workspace="other"))

    return scene


def reported_by_a_gateway(line: InProcess) -> None:
    report(line, mark=line.database.value("select own_call_mark from installation"))


def reported_by_a_gateway_that_another_installation_asks(line: InProcess) -> None:
    report(line, mark="0a1b")


def report(line: InProcess, *, mark: str) -> None:
    own = [["system", f"{marker.line(mark)}\nPlace the conversation.", None, None], ["user", "USER: hi", None, None]]
    line.run(generation("g", turns=own))


def after_the_budget_is_spent(line: InProcess) -> None:
    samples.classifier(line.engine, workspace="other", daily_budget_usd=Decimal("0.0001"))
    line.run(generation("first", workspace="other"))
    assert line.why("first") == "tagged"
    line.run(generation("g", workspace="other"))


def paused(line: InProcess) -> None:
    with line.engine.begin() as connection:
        classifiers.pause(connection, samples.WORKSPACE, "work")


def recorded_while_paused(line: InProcess) -> None:
    paused(line)
    line.run(generation("g"))


def paused_before_its_turn(line: InProcess) -> None:
    line.record(generation("g"))
    paused(line)
    line.answer_bells()


def after_its_text_is_gone(line: InProcess) -> None:
    line.record(generation("g"))
    line.database.execute("delete from transcripts")
    line.answer_bells()


def after_three_lost_leases(line: InProcess) -> None:
    line.record(generation("g"))
    line.database.execute("update transcripts set turns = '[[1]]'")  # no transcript: nobody can put it
    for _ in range(3):
        line.answer_bells()
        line.database.execute("update classifications set lease_until = now() - interval '1 s'")
        line.sweep()


def set_right(line: InProcess, workspace: str) -> None:
    """Do what `why` advises about what was not run, and let a day pass."""
    with line.engine.begin() as connection:
        names = [one.name for one in classifiers.list_all(connection, workspace)]
        for name in names:
            unbounded = samples.definition()
            classifiers.update(connection, workspace, name, unbounded, state="active", configured_by=None)
    if not names:
        samples.classifier(line.engine, workspace=workspace)
    line.database.execute("update classifier_spend set day = day - 1")
    line.again()


@pytest.mark.parametrize(
    ("reason", "scene"),
    [
        (Reason.NO_CLASSIFIER, in_a_workspace_without_classifier),
        (Reason.SAMPLED_OUT, under_settings(sampling_rate=0.0)),
        (Reason.FILTERED_OUT, under_settings(filters={"apps": ["support-*"]})),
        (Reason.OVER_BUDGET, after_the_budget_is_spent),
        (Reason.PAUSED, recorded_while_paused),
        (Reason.PAUSED, paused_before_its_turn),
    ],
)
def test_what_was_not_run_is_not_run_later_and_the_advice_says_so(
    line: InProcess, reason: Reason, scene: Scene
) -> None:
    scene(line)
    assert line.why("g") == reason
    set_right(line, line.database.classifications()["g"].workspace)
    assert line.why("g") == reason
    assert "What was not run is not run later" in explain(reason).advice


SCENES: list[tuple[Reason, Scene]] = [
    (Reason.PENDING, recorded),
    (Reason.RUNNING, asked_at_this_moment),
    (Reason.RETRYING, asked("500")),
    (Reason.NO_CLASSIFIER, in_a_workspace_without_classifier),
    (Reason.SAMPLED_OUT, under_settings(sampling_rate=0.0)),
    (Reason.FILTERED_OUT, under_settings(filters={"apps": ["support-*"]})),
    (Reason.OWN_CALL, reported_by_a_gateway),
    (Reason.UNPROVEN_OWN_CALL, reported_by_a_gateway_that_another_installation_asks),
    (Reason.OVER_BUDGET, after_the_budget_is_spent),
    (Reason.PAUSED, recorded_while_paused),
    (Reason.PAUSED, paused_before_its_turn),
    (Reason.TEXT_EXPIRED, after_its_text_is_gone),
    (Reason.TIMEOUT, hung),
    (Reason.RATE_LIMITED, asked_for_a_day("429")),
    (Reason.PROVIDER_ERROR, asked("400")),
    (Reason.PROVIDER_ERROR, asked_for_a_day("503")),
    (Reason.PROVIDER_UNREACHABLE, asked_for_a_day("reset")),
    (Reason.CONTEXT_TOO_LONG, asked("context_too_long", times=2)),
    (Reason.REFUSED, asked("refusal")),
    (Reason.TRUNCATED_OUTPUT, asked("truncated", times=2)),
    (Reason.INVALID_OUTPUT, asked("wrong_enum", times=2)),
    (Reason.WORKER_LOST, after_three_lost_leases),
    (Reason.AUTH_FAILED, asked("401")),
    (Reason.QUOTA_EXHAUSTED, asked("402")),
]


@pytest.mark.parametrize(
    ("reason", "scene"), SCENES, ids=[f"{reason}-{number}" for number, (reason, _) in enumerate(SCENES)]
)
def test_invariant_5_every_generation_answers_why_it_is_not_tagged(
    reason: Reason, scene: Scene, line: InProcess
) -> None:
    scene(line)
    seen = line.database.classifications()["g"]
    assert seen.why == reason
    assert seen.tags is None
    final = explain(reason).kind in (Kind.FAILED, Kind.NOT_RUN)
    assert (seen.state in ("failed", "not_run")) == final


def test_every_reason_of_the_closed_list_has_its_scene() -> None:
    assert {reason for reason, _ in SCENES} == set(Reason)


def test_invariant_6_an_own_call_stands_among_no_generations_and_is_never_classified(
    line: InProcess, model_server: ModelServer
) -> None:
    reported_by_a_gateway(line)
    line.again()
    assert line.why("g") == "own_call"
    assert line.database.count("generations") == 0
    assert line.database.count("transcripts") == 0
    assert model_server.play.total == 0


def test_invariant_6_what_a_gateway_reports_back_of_our_call_is_recognised(
    line: InProcess, model_server: ModelServer
) -> None:
    """The request as the model server got it, recorded as a gateway's callback would."""
    line.run(generation("g"))
    request = model_server.play.requests[0]
    mark = line.database.value("select own_call_mark from installation")
    assert request.headers["x-aftertag-own-call"] == mark
    messages = request.json()["messages"]
    assert isinstance(messages, list)
    turns = [[message["role"], message["content"], None, None] for message in messages]
    line.run(generation("echo", turns=turns))
    assert line.why("echo") == "own_call"
    assert model_server.play.total == 1


def test_invariant_6_every_attempt_is_paid_on_the_classification_and_stands_in_spend_on_a_line_of_its_own(
    line: InProcess,
) -> None:
    line.run(generation("g", "play: wrong_enum*1", cost_usd=0.5, app="support"))
    line.again_until_tagged(["g"])
    assert line.database.count("generations") == 1
    query = "select {} from spend where payer_kind = %(kind)s"
    assert line.database.value(query.format("min(payer)"), {"kind": "classifier"}) == "ada"
    assert line.database.value(query.format("count(*)"), {"kind": "classifier"}) == 2
    assert line.database.value(query.format("sum(cost_usd)"), {"kind": "classifier"}) == Decimal("0.00025")
    assert line.database.value(query.format("cost_usd"), {"kind": "application"}) == Decimal("0.5")
    assert line.database.value("select cost_usd from classifier_spend") == Decimal("0.00025")


def test_a_hung_call_shows_as_running_until_its_deadline(line: InProcess) -> None:
    line.let_hang()
    asked_at_this_moment(line)
    assert line.why("g") == "running"
    wait_until(lambda: line.why("g") == "retrying", what="the deadline of the call")
