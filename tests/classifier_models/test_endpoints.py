"""Endpoints out of an environment, and nothing but the environment."""

import pytest

from classifier_models import endpoints
from classifier_models.endpoints import LOCAL, from_environment
from classifier_models.errors import EndpointConfigurationError, UnknownEndpointError


def test_without_any_variable_there_is_the_local_model_and_it_comes_first() -> None:
    configured = from_environment({})
    assert configured == {"local": LOCAL}
    assert endpoints.first_configured(configured) is LOCAL


def test_variables_that_are_set_to_nothing_are_not_set() -> None:
    environ = {"OPENAI_API_KEY": "", "OLLAMA_HOST": " ", "AFTERTAG_ENDPOINT_X_URL": ""}
    assert list(from_environment(environ)) == ["local"]


def test_the_order_of_preference_is_fixed_whatever_the_order_of_the_variables() -> None:
    environ = {
        "AFTERTAG_ENDPOINT_VLLM_URL": "http://vllm:8000/v1",
        "AFTERTAG_ENDPOINT_GATEWAY_URL": "http://gateway/v1",
        "OLLAMA_HOST": "box",
        "ANTHROPIC_API_KEY": "a",
        "OPENAI_API_KEY": "b",
        "OPENROUTER_API_KEY": "c",
    }
    configured = from_environment(environ)
    assert list(configured) == ["openrouter", "openai", "anthropic", "ollama", "gateway", "vllm", "local"]
    assert endpoints.first_configured(configured).name == "openrouter"


@pytest.mark.parametrize(
    ("variable", "name", "url", "dialect"),
    [
        ("OPENROUTER_API_KEY", "openrouter", "https://openrouter.ai/api/v1", "chat"),
        ("OPENAI_API_KEY", "openai", "https://api.openai.com/v1", "chat"),
        ("ANTHROPIC_API_KEY", "anthropic", "https://api.anthropic.com", "messages"),
    ],
)
def test_a_key_alone_configures_a_known_provider(variable: str, name: str, url: str, dialect: str) -> None:
    endpoint = from_environment({variable: "key"})[name]
    assert (endpoint.base_url, endpoint.dialect, endpoint.api_key) == (url, dialect, "key")


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:11434/v1"),
        ("box:1234", "http://box:1234/v1"),
        ("http://box", "http://box:80/v1"),
        ("https://box/", "https://box:443/v1"),
        (":8080", "http://127.0.0.1:8080/v1"),
        ("[::1]:9", "http://[::1]:9/v1"),
    ],
)
def test_ollamas_own_variable_is_understood_in_its_usual_forms(host: str, url: str) -> None:
    assert from_environment({"OLLAMA_HOST": host})["ollama"].base_url == url


def test_any_other_endpoint_has_an_address_a_key_and_a_dialect() -> None:
    environ = {
        "AFTERTAG_ENDPOINT_MY_DECIDER_URL": "https://decide.example/",
        "AFTERTAG_ENDPOINT_MY_DECIDER_KEY": "key",
        "AFTERTAG_ENDPOINT_MY_DECIDER_DIALECT": "systemone",
    }
    endpoint = from_environment(environ)["my_decider"]
    assert (endpoint.base_url, endpoint.dialect, endpoint.api_key) == ("https://decide.example", "systemone", "key")


def test_the_address_of_a_known_provider_can_be_replaced_and_its_quirks_stay() -> None:
    environ = {"AFTERTAG_ENDPOINT_OPENROUTER_URL": "http://127.0.0.1:9/v1"}
    endpoint = from_environment(environ)["openrouter"]
    assert endpoint.base_url == "http://127.0.0.1:9/v1"
    assert endpoint.quirks.extra_body == {"provider": {"require_parameters": True}}


def test_a_known_host_has_its_quirks_under_any_name() -> None:
    environ = {"AFTERTAG_ENDPOINT_TEAM_A_URL": "https://api.openai.com/v1"}
    assert from_environment(environ)["team_a"].quirks.token_cap_field == "max_completion_tokens"


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"AFTERTAG_ENDPOINT_X_KEY": "k"}, "set AFTERTAG_ENDPOINT_X_URL too"),
        ({"AFTERTAG_ENDPOINT_X_URL": "ftp://x"}, "AFTERTAG_ENDPOINT_X_URL is no http"),
        ({"AFTERTAG_ENDPOINT_X_URL": "http://x:port"}, "AFTERTAG_ENDPOINT_X_URL is no address"),
        ({"AFTERTAG_ENDPOINT_X_URL": "http://u:SECRET@x"}, "AFTERTAG_ENDPOINT_X_KEY"),
        ({"AFTERTAG_ENDPOINT_X_URL": "http://x?key=SECRET"}, "AFTERTAG_ENDPOINT_X_KEY"),
        ({"AFTERTAG_ENDPOINT_X_URL": "http://x", "AFTERTAG_ENDPOINT_X_DIALECT": "soap"}, "'soap'"),
        ({"AFTERTAG_ENDPOINT_X_URL": "http://x", "AFTERTAG_ENDPOINT_X_DIALECT": "local"}, "'local'"),
        ({"AFTERTAG_ENDPOINT_LOCAL_URL": "http://x"}, "another name"),
        ({"AFTERTAG_ENDPOINT_" + "X" * 33 + "_URL": "http://x"}, "at most 32"),
        ({"AFTERTAG_ENDPOINT_X_URL": "http://x", "AFTERTAG_ENDPOINT_X_KEY": "SECRÉT"}, "endpoint 'x'"),
        ({"OLLAMA_HOST": "box:port"}, "OLLAMA_HOST"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_that_says_what_to_do(environ: dict[str, str], says: str) -> None:
    with pytest.raises(EndpointConfigurationError) as raised:
        from_environment(environ)
    assert says in str(raised.value)
    assert "SECR" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_no_repr_shows_a_key() -> None:
    assert "SECRET" not in repr(from_environment({"OPENAI_API_KEY": "SECRET"}))


def test_an_unknown_name_says_which_there_are_and_what_to_set() -> None:
    with pytest.raises(UnknownEndpointError, match=r"'my-vllm'.*openai, local.*AFTERTAG_ENDPOINT_MY_VLLM_URL"):
        endpoints.named(from_environment({"OPENAI_API_KEY": "k"}), "my-vllm")
