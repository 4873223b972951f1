"""Whether an endpoint answers: any answer is one, and nobody is waited for longer than told."""

import pytest

from classifier_models import reaching
from classifier_models.endpoints import LOCAL, from_environment
from tests.classifier_models.conftest import EndpointOf
from tests.hung import hung
from tests.model_server import ModelServer
from tests.others.provider import Provider


def test_a_server_that_answers_whatever_it_says_is_reached_and_asked_nothing(
    model_server: ModelServer, endpoint_of: EndpointOf
) -> None:
    calls = model_server.play.total
    assert reaching.problem(endpoint_of()) is None
    assert model_server.play.total == calls
    with Provider() as provider:  # which knows no such address
        assert reaching.problem(endpoint_of(url=f"{provider.url}/nothing")) is None


def test_the_built_in_model_is_always_there() -> None:
    assert reaching.problem(LOCAL) is None


def test_what_the_system_says_of_an_address_where_nobody_listens_is_told(endpoint_of: EndpointOf) -> None:
    assert reaching.problem(endpoint_of(url="http://127.0.0.1:1/v1")) == "Connection refused"


def test_a_server_that_stays_silent_is_given_up(endpoint_of: EndpointOf) -> None:
    with hung() as silent:
        found = reaching.problem(endpoint_of(url=f"http://{silent}/v1"), timeout_seconds=0.2)
    assert found == "no answer within 0.2 s"


def test_calls_that_go_through_a_proxy_are_looked_at_through_it(
    monkeypatch: pytest.MonkeyPatch, model_server: ModelServer
) -> None:
    endpoint = from_environment({"AFTERTAG_ENDPOINT_FAR_URL": "http://far.invalid/v1"})["far"]
    monkeypatch.setenv("http_proxy", model_server.url.removesuffix("/v1"))
    assert reaching.problem(endpoint) is None
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert reaching.problem(endpoint) == "Connection refused"
