"""Two installations ask through one gateway that reports every call to both: neither asks about the other's calls."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from api_hooks import wire
from tests.acceptance import samples
from tests.acceptance.in_process import InProcess, in_process
from tests.acceptance.samples import WORKSPACE, generation
from tests.conftest import database
from tests.model_server import ModelServer, Request

ROUNDS = 3


def test_invariant_6_two_installations_behind_one_gateway_never_feed_each_other(
    line: InProcess, model_server: ModelServer, postgres_url: str, migrated_template: str
) -> None:
    with (
        database(postgres_url, template=migrated_template) as url,
        in_process(url, {"test": model_server.url}) as other,
    ):
        # A copy of a database is the same installation.
        other.database.execute("update installation set own_call_mark = 'fedcba9876543210'")
        samples.classifier(other.engine)
        both = (line, other)
        for one in both:
            one.run(generation("g"))
        for _ in range(ROUNDS):
            for one in both:
                one.run(*(reported(number, call) for number, call in enumerate(model_server.play.requests)))
        assert model_server.play.total == 2
        for one in both:
            assert one.database.whys() == Counter(tagged=1, own_call=1, unproven_own_call=1)
            assert one.database.count("generations") == 2
            assert one.database.value("select prompt_tokens from generations where id <> 'g'") == 900


def reported(number: int, call: Request) -> dict[str, Any]:
    """A call of a classifier as a gateway reports it that shows text, and no headers."""
    told = {
        "id": f"call-{number}",
        "workspace": WORKSPACE,
        "messages": call.json()["messages"],
        "output": '{"department": "legal"}',
        "usage": {"prompt": 900, "completion": 9},
    }
    return wire.generation(told, now=datetime.now(UTC), random_bytes=bytes(10))
