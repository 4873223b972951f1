"""A model server that really speaks HTTP, and one way to ask it."""

import asyncio
from collections.abc import Callable, Iterator, Mapping

import pytest

from classifier_models import endpoints
from classifier_models.client import ModelClient
from classifier_models.endpoints import Endpoint
from classifier_models.question import Prepared, Question, prepare
from classifier_models.reply import Reply
from taxonomies.taxonomy import Taxonomy, parse
from tests.model_server import ModelServer

Ask = Callable[..., Reply]
EndpointOf = Callable[..., Endpoint]

MARK = "0123456789abcdef"


@pytest.fixture(scope="session")
def model_server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    return parse(
        {
            "dimensions": [
                {"name": "department", "none_of_these": True, "values": ["legal", "sales", "engineering"]},
                {"name": "risks", "several": True, "none_of_these": True, "values": ["secrets", "injection"]},
            ]
        }
    )


@pytest.fixture(scope="session")
def prepared(taxonomy: Taxonomy) -> Prepared:
    return prepare(taxonomy, "Place the conversation.", mark=MARK)


@pytest.fixture
def endpoint_of(model_server: ModelServer) -> EndpointOf:
    """An endpoint at the test server, by name and dialect."""

    def of(name: str = "gateway", *, url: str | None = None, **given: str) -> Endpoint:
        prefix = f"AFTERTAG_ENDPOINT_{name.upper()}"
        environ = {f"{prefix}_URL": url or model_server.url, f"{prefix}_KEY": "key-of-the-test"}
        return endpoints.from_environment(
            environ | {f"{prefix}_{part.upper()}": value for part, value in given.items()}
        )[name]

    return of


@pytest.fixture
def ask(prepared: Prepared, endpoint_of: EndpointOf) -> Ask:
    """Ask one question, with a client of its own unless the test passes several transcripts."""

    def ask_one(
        transcript: str, *, endpoint: Endpoint | None = None, timeout_seconds: float = 10.0, **asked: object
    ) -> Reply:
        async def run() -> Reply:
            client = ModelClient()
            try:
                return await client.ask(
                    endpoint or endpoint_of(), question(prepared, transcript, asked), timeout_seconds
                )
            finally:
                await client.aclose()

        return asyncio.run(run())

    return ask_one


def question(prepared: Prepared, transcript: str, asked: Mapping[str, object] | None = None) -> Question:
    return Question(**{"prepared": prepared, "model": "test-model", "transcript": transcript, **(asked or {})})  # type: ignore[arg-type]
