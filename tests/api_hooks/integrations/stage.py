"""Where the tests of the SDKs play: a provider that speaks HTTP, clients of it, and what the hook hands over.

A plugin rather than a conftest, because interpreters with other versions of the SDKs run the same tests without ours.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anthropic
import openai
import pytest

import api_hooks
from api_hooks import current
from api_hooks.settings import Settings
from tests.api_hooks.senders import KeepingSender
from tests.others.provider import Provider

Turns = list[tuple[str, str]]


class Handed:
    """What came out of this process's hook."""

    def __init__(self, sender: KeepingSender) -> None:
        self._sender = sender

    def all(self) -> list[dict[str, Any]]:
        """Every generation so far, in the order in which they were handed over."""
        assert api_hooks.flush(30)
        return self._sender.generations

    def one(self) -> dict[str, Any]:
        """The only one since the last time."""
        (found,) = self.all()
        self._sender.bodies.clear()
        return found

    @property
    def lost(self) -> dict[str, int]:
        return api_hooks.stats().dropped


@contextmanager
def handing_over(**settings: Any) -> Iterator[Handed]:
    """This process's hook keeps what it sends."""
    sender = KeepingSender()
    given = {"url": "redis://nowhere", "workspace": "acme", "flush_seconds": 0.02, **settings}
    gc.freeze()  # so that collecting looks at what this test makes, and not at all that the SDKs consist of
    try:
        with current.sending_to(sender, Settings.build(given, {})):
            yield Handed(sender)
            gc.collect()  # a stream of this test's is not to be found abandoned in the next one's
    finally:
        gc.unfreeze()


def turns(generation: dict[str, Any]) -> Turns:
    """Kinds and texts."""
    return [(kind, text) for kind, text, _, _ in generation["turns"]]


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    with Provider() as running:
        yield running


@pytest.fixture
def handed() -> Iterator[Handed]:
    with handing_over() as made:
        yield made
        assert made.lost == {}


@pytest.fixture
def all_watched() -> Iterator[None]:
    """Every client of both SDKs is instrumented."""
    api_hooks.instrument_openai()
    api_hooks.instrument_anthropic()
    yield
    api_hooks.uninstrument_openai()
    api_hooks.uninstrument_anthropic()


@pytest.fixture
def open_client(provider: Provider) -> Iterator[Callable[..., openai.OpenAI]]:
    """Make clients of OpenAI's SDK, of other classes or with other options, too."""
    made: list[Any] = []

    def make(kind: Any = openai.OpenAI, **options: Any) -> Any:
        given = {"base_url": provider.url + "/v1", "api_key": "k", "max_retries": 0, **options}
        made.append(kind(**given))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(open_client: Callable[..., openai.OpenAI]) -> openai.OpenAI:
    return open_client()


@pytest.fixture
def claude(provider: Provider) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=provider.url, api_key="k", max_retries=0) as made:
        yield made


def said(text: str) -> list[Any]:
    """Messages of one user who says this."""
    return [{"role": "user", "content": text}]
