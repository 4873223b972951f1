import copy
import gc
import inspect
import logging
import multiprocessing
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import anthropic
import openai
import pytest

import api_hooks
from api_hooks.integrations.openai import SDK
from api_hooks.integrations.stainless import installing
from api_hooks.wire.providers import provider_of
from tests.api_hooks.integrations.stage import Handed, handing_over, said, turns
from tests.others.provider import Provider


def call(client: openai.OpenAI) -> None:
    client.chat.completions.create(model="m", messages=said("hi"))


def test_one_client_is_watched_and_the_others_are_not(
    open_client: Callable[..., openai.OpenAI], handed: Handed
) -> None:
    one, other = open_client(), open_client()
    assert api_hooks.instrument_openai(one) is one
    call(one)
    handed.one()
    call(other)
    assert handed.all() == []
    assert api_hooks.uninstrument_openai(one) is one
    call(one)
    assert handed.all() == []


@pytest.mark.parametrize("everywhere", [True, False])
def test_instrumenting_twice_or_all_and_one_counts_once(
    client: openai.OpenAI, handed: Handed, everywhere: bool
) -> None:
    try:
        for _ in range(2):
            api_hooks.instrument_openai(client)
            if everywhere:
                api_hooks.instrument_openai()
        call(client)
        handed.one()
        list(client.chat.completions.create(model="m", messages=said("hi"), stream=True))
        handed.one()
    finally:
        api_hooks.uninstrument_openai()
    api_hooks.uninstrument_openai(client)
    call(client)
    assert handed.all() == []


def test_copies_with_other_options_are_watched_with_their_client(client: openai.OpenAI, handed: Handed) -> None:
    api_hooks.instrument_openai(client)
    for made in (client.with_options(timeout=60), client.copy(), client.with_options(max_retries=1).with_options()):
        call(made)
        handed.one()


def test_azure_clients_and_their_copies_are_watched_one_by_one(
    open_client: Callable[..., Any], provider: Provider, handed: Handed
) -> None:
    azure = open_client(openai.AzureOpenAI, base_url=None, azure_endpoint=provider.url, api_version="1")
    api_hooks.instrument_openai(azure)
    call(azure.with_options(timeout=60))
    assert handed.one()["model"] == "m"


def test_one_claude_is_watched_with_its_copies(claude: anthropic.Anthropic, handed: Handed) -> None:
    assert api_hooks.instrument_anthropic(claude) is claude
    claude.with_options(timeout=60).messages.create(model="m", max_tokens=5, messages=said("hi"))
    handed.one()
    api_hooks.uninstrument_anthropic(claude)
    claude.messages.create(model="m", max_tokens=5, messages=said("hi"))
    assert handed.all() == []


def looks(client: Any, method: Any) -> list[Any]:
    """What an application can see of a client and of a method without calling it."""
    request = client.request
    return [
        type(client),
        repr(client).split(" at ")[0],
        inspect.signature(client.with_options),
        inspect.getdoc(client.with_options),
        inspect.signature(method),
        inspect.getdoc(method),
        method.__func__,
        inspect.signature(request),
        inspect.signature(client._process_response),
        inspect.iscoroutinefunction(client._process_response),
        inspect.iscoroutinefunction(method),
    ]


@pytest.mark.parametrize("everywhere", [True, False])
def test_clients_look_as_before(provider: Provider, everywhere: bool) -> None:
    given = {"base_url": provider.url, "api_key": "k"}
    clients: list[Any] = [
        openai.OpenAI(**given),
        openai.AsyncOpenAI(**given),
        anthropic.Anthropic(**given),
        anthropic.AsyncAnthropic(**given),
    ]
    instruments = [api_hooks.instrument_openai] * 2 + [api_hooks.instrument_anthropic] * 2
    methods = [client.chat.completions.create for client in clients[:2]]
    methods += [client.messages.create for client in clients[2:]]
    before = [looks(client, method) for client, method in zip(clients, methods, strict=True)]
    try:
        for instrument, client in zip(instruments, clients, strict=True):
            instrument(None if everywhere else client)
        assert [looks(client, method) for client, method in zip(clients, methods, strict=True)] == before
    finally:
        api_hooks.uninstrument_openai()
        api_hooks.uninstrument_anthropic()


def test_uninstrumenting_leaves_nothing_behind(client: openai.OpenAI) -> None:
    classes = [vars(owner).copy() for owner in openai.OpenAI.__mro__]
    fields = vars(client).copy()
    api_hooks.instrument_openai()
    api_hooks.instrument_openai(client)
    api_hooks.uninstrument_openai()
    api_hooks.uninstrument_openai(client)
    api_hooks.uninstrument_openai(client)
    assert [vars(owner) for owner in openai.OpenAI.__mro__] == classes
    assert vars(client) == fields


def test_a_shallow_copy_of_a_watched_client_works(client: openai.OpenAI, handed: Handed) -> None:
    api_hooks.instrument_openai(client)
    call(copy.copy(client))
    handed.one()


def test_a_version_without_the_seam_is_told_of_and_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    class Strange:
        def _process_response(self, answer: Any) -> Any:
            return answer

    strange = Strange()
    with caplog.at_level(logging.WARNING, logger="aftertag"):
        installing.install(SDK, strange)
        installing.install_everywhere(SDK, [Strange])
    assert [record.message for record in caplog.records] == [
        "This is no client of openai that can be watched: its calls are not handed over.",
        "This version of openai cannot be watched: its calls are not handed over.",
    ]
    assert strange._process_response(7) == 7


def test_a_client_of_another_library_is_told_of_and_left_alone(
    claude: anthropic.Anthropic, caplog: pytest.LogCaptureFixture
) -> None:
    before = vars(claude).copy()
    with caplog.at_level(logging.WARNING, logger="aftertag"):
        assert api_hooks.instrument_openai(claude) is claude
    assert [record.message for record in caplog.records] == [
        "This is no client of openai that can be watched: its calls are not handed over."
    ]
    assert vars(claude) == before


@pytest.mark.usefixtures("all_watched")
def test_the_librarys_own_client_is_watched(
    provider: Provider, handed: Handed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai, "api_key", "k")
    monkeypatch.setattr(openai, "base_url", provider.url + "/v1")
    openai.chat.completions.create(model="m", messages=said("hi"))
    assert turns(handed.one())[0] == ("user", "hi")
    openai._reset_client()


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("api.openai.com", "openai"),
        ("acme.openai.azure.com", "azure"),
        ("OpenRouter.ai", "openrouter"),
        ("bedrock-runtime.us-east-1.amazonaws.com", "bedrock"),
        ("notopenrouter.ai", "the sdk's"),
        ("llm.acme.com", "the sdk's"),
        ("localhost", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("vllm", "vllm"),
        ("vllm.models.svc", "vllm.models.svc"),
        ("Ollama.local.", "ollama.local"),
        ("", "the sdk's"),
    ],
)
def test_the_address_tells_the_provider_and_a_machine_of_ones_own_is_its_own(host: str, found: str) -> None:
    assert provider_of(host, otherwise="the sdk's") == found


def test_the_libraries_are_imported_by_who_asks_for_them_only() -> None:
    code = (
        "import sys, api_hooks; assert not {'openai', 'anthropic'} & sys.modules.keys(); "
        "api_hooks.instrument_openai(); assert 'openai' in sys.modules and 'anthropic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_the_library_the_user_is_told() -> None:
    code = "import sys; sys.modules['openai'] = None; import api_hooks; api_hooks.instrument_openai()"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.stderr.strip().splitlines()[-1].startswith(("ModuleNotFoundError", "ImportError"))


@pytest.mark.usefixtures("all_watched")
def test_a_hook_that_is_closed_or_has_no_workspace_changes_nothing(client: openai.OpenAI) -> None:
    with handing_over(workspace=None) as handed:
        call(client)
        assert handed.lost == {"bad_input": 1}
    with handing_over() as handed:
        call(client)
        handed.one()
        api_hooks.close(1)
        text = [chunk.choices for chunk in client.chat.completions.create(model="m", messages=said("a"), stream=True)]
        assert text
        assert handed.lost == {"closed": 1}


@pytest.mark.usefixtures("all_watched")
def test_an_answer_that_is_an_error_with_status_200_is_no_generation(provider: Provider) -> None:
    httpx = sys.modules[openai.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0]]

    def answer(request: Any) -> Any:
        return httpx.Response(200, json={"error": {"message": "Provider returned error", "code": 502}})

    transport = httpx.Client(transport=httpx.MockTransport(answer))
    with handing_over() as handed, openai.OpenAI(api_key="k", http_client=transport) as client:
        assert client.chat.completions.create(model="m", messages=said("hi")).choices is None
        assert handed.all() == []
        assert handed.lost == {"no_generation": 1}


@pytest.mark.usefixtures("all_watched")
def test_threads_hand_over_each_its_own(client: openai.OpenAI, handed: Handed) -> None:
    def work(number: int) -> None:
        with api_hooks.context(user=f"u-{number}"):
            client.chat.completions.create(model="m", messages=said(f"q {number}"))
            list(client.chat.completions.create(model="m", messages=said(f"s {number}"), stream=True))

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert {(found["user"], turns(found)[0][1]) for found in handed.all()} == {
        (f"u-{number}", f"{kind} {number}") for number in range(8) for kind in "qs"
    }


@pytest.mark.usefixtures("all_watched")
def test_a_forked_child_does_not_tell_of_its_parents_streams(client: openai.OpenAI, handed: Handed) -> None:
    stream = client.chat.completions.create(model="m", messages=said("hi"), stream=True)
    next(stream)
    listener = stream._decoder._listener  # type: ignore[attr-defined]
    results = multiprocessing.get_context("fork").SimpleQueue()

    def child() -> None:
        listener.end(is_abandoned=True)
        results.put(api_hooks.stats().accepted)

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(30)
    assert process.exitcode == 0
    assert results.get() == 0
    list(stream)
    assert handed.one()["finish_reason"] == "stop"
    gc.collect()
