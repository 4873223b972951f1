"""The table of cases, through recording, claiming, a real call and the write: tries, reason, and the neighbours."""

from datetime import timedelta

import pytest

from tests.acceptance.in_process import InProcess
from tests.acceptance.samples import generation
from tests.model_server import ModelServer

NEIGHBOURS = [f"neighbour-{number}" for number in range(6)]

# play: (calls in all, the reason it ends with)
ENDS = {
    "hang": (2, "timeout"),
    "408": (2, "timeout"),
    "half": (2, "invalid_output"),
    "html": (2, "invalid_output"),
    "204": (2, "invalid_output"),
    "not_json": (2, "invalid_output"),
    "wrong_enum": (2, "invalid_output"),
    "missing_dimension": (2, "invalid_output"),
    "extra_keys": (2, "invalid_output"),
    "truncated": (2, "truncated_output"),
    "context_too_long": (2, "context_too_long"),
    "refusal": (1, "refused"),
    "moderated": (1, "refused"),
    "400": (1, "provider_error"),
    "404": (1, "provider_error"),
    "error_body:400": (1, "provider_error"),
}
# play: the reason it ends with when it has gone on for a day
GOES_ON_FOR_A_DAY = {
    "429": "rate_limited",
    "429:1": "rate_limited",
    "error_body:429": "rate_limited",
    "500": "provider_error",
    "503": "provider_error",
    "503:1": "provider_error",
    "error_body:500": "provider_error",
    "reset": "provider_unreachable",
    "not_http": "provider_unreachable",
}
WAITS_FOR_THE_OPERATOR = {
    "401": "auth_failed",
    "403": "auth_failed",
    "402": "quota_exhausted",
    "insufficient_quota": "quota_exhausted",
}


def record_among_neighbours(line: InProcess, play: str) -> None:
    """One batch, one bell: the odd one in the middle of six that are answered well."""
    if "hang" in play:
        line.let_hang()
    batch = [generation(id_) for id_ in NEIGHBOURS]
    line.record(*batch[:3], generation("odd", f"play: {play}"), *batch[3:])
    assert [len(keys) for _, keys in line.bells] == [len(NEIGHBOURS) + 1]
    line.answer_bells()


def expect_neighbours_tagged(line: InProcess, model_server: ModelServer) -> None:
    """Each has its tags, was asked once, and its call is accounted for."""
    line.again_until_tagged(NEIGHBOURS)
    seen = line.database.classifications()
    for id_ in NEIGHBOURS:
        assert model_server.calls(id_) == 1
        assert seen[id_].attempts == 1
        assert seen[id_].cost_usd == pytest.approx(0.000125)
        assert set(seen[id_].tags or {}) == {"department", "risks"}


@pytest.mark.parametrize(("play", "calls", "reason"), [(play, *end) for play, end in ENDS.items()])
def test_a_case_ends_after_its_tries_with_its_reason_and_its_neighbours_are_tagged(
    play: str, calls: int, reason: str, line: InProcess, model_server: ModelServer
) -> None:
    record_among_neighbours(line, play)
    assert model_server.calls("odd") == 1
    assert line.why("odd") == (reason if calls == 1 else "retrying")
    for _ in range(3):
        line.again()
    odd = line.database.classifications()["odd"]
    assert (odd.state, odd.reason, odd.attempts, odd.tags) == ("failed", reason, calls, None)
    assert model_server.calls("odd") == calls
    expect_neighbours_tagged(line, model_server)


@pytest.mark.parametrize(("play", "reason"), GOES_ON_FOR_A_DAY.items())
def test_a_passing_fault_is_tried_for_a_day_and_then_ends_with_its_reason(
    play: str, reason: str, line: InProcess, model_server: ModelServer
) -> None:
    record_among_neighbours(line, play)
    expect_neighbours_tagged(line, model_server)
    tries = model_server.calls("odd")
    line.database.let_pass(timedelta(hours=23, minutes=50))
    while model_server.calls("odd") < tries + 2:
        line.again()  # a Retry-After holds the endpoint for a second of this clock
    assert line.why("odd") == "retrying"
    tries = model_server.calls("odd")
    line.database.let_pass(timedelta(minutes=10))
    while model_server.calls("odd") == tries:
        line.again()
    odd = line.database.classifications()["odd"]
    assert (odd.state, odd.reason, odd.attempts) == ("failed", reason, tries + 1)
    line.again()
    assert model_server.calls("odd") == tries + 1


@pytest.mark.parametrize(("play", "reason"), WAITS_FOR_THE_OPERATOR.items())
def test_a_refused_key_or_account_waits_uncounted_and_its_neighbours_are_tagged(
    play: str, reason: str, line: InProcess, model_server: ModelServer
) -> None:
    model_server.script("odd", play)
    record_among_neighbours(line, play)
    expect_neighbours_tagged(line, model_server)
    odd = line.database.classifications()["odd"]
    assert (odd.state, odd.reason, odd.attempts) == ("pending", reason, 0)
    line.database.let_pass(timedelta(days=30))
    model_server.script("odd", "ok")  # the operator has helped
    line.again_until_tagged(["odd"])


@pytest.mark.parametrize("play", ["401", "402"])
def test_while_the_endpoint_waits_for_its_operator_one_call_a_probe_is_made(
    play: str, line: InProcess, model_server: ModelServer
) -> None:
    model_server.play_always(play)
    ids = [f"g{number}" for number in range(20)]
    line.run(*(generation(id_) for id_ in ids))
    before = model_server.play.total
    for _ in range(3):
        line.again()
    assert model_server.play.total - before <= 3
    model_server.play_always(None)
    line.again_until_tagged(ids)


def test_a_fenced_answer_is_an_answer(line: InProcess, model_server: ModelServer) -> None:
    record_among_neighbours(line, "fenced")
    assert line.why("odd") == "tagged"
    assert model_server.calls("odd") == 1


@pytest.mark.parametrize("play", ["500*2", "429*1,reset*1", "hang*1", "half*1", "truncated*1", "context_too_long*1"])
def test_invariant_4_a_later_retry_is_never_a_no_op(play: str, line: InProcess, model_server: ModelServer) -> None:
    line.let_hang()
    line.run(generation("odd", f"play: {play}"))
    line.again_until_tagged(["odd"])
    assert model_server.calls("odd") == line.database.classifications()["odd"].attempts
    assert model_server.calls("odd") == (3 if play in ("500*2", "429*1,reset*1") else 2)


@pytest.mark.parametrize(("play", "change"), [("truncated*1", "max_tokens"), ("context_too_long*1", "messages")])
def test_the_second_try_is_a_changed_request(
    play: str, change: str, line: InProcess, model_server: ModelServer
) -> None:
    line.run(generation("odd", f"play: {play}"))
    line.again_until_tagged(["odd"])
    first, second = [request.json() for request in model_server.play.requests]
    assert [name for name in first if first[name] != second[name]] == [change]
    if change == "max_tokens":
        assert int(str(second[change])) > int(str(first[change]))
    else:
        assert len(str(second[change])) < len(str(first[change]))


def test_one_more_try_is_one_more_in_a_life_whatever_the_second_ends_in(
    line: InProcess, model_server: ModelServer
) -> None:
    line.let_hang()
    line.run(generation("odd", "play: hang*1,half*1,ok"))
    line.again()
    assert line.why("odd") == "invalid_output"
    assert model_server.calls("odd") == 2
