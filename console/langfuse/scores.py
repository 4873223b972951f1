"""Tags as categorical scores: one for each value, named by its dimension, the same each time it is made.

A score's id comes from the generation, the dimension and the value's place among the dimension's values: sent again it is
the same score, and a tag that changed changes its score in place. Langfuse keeps scores by the day of their time, too, so
that time is always the generation's.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from hashlib import sha256
from typing import Any

from worker.store.langfuse_scores import Unsent

_ENVIRONMENT = re.compile(r"(?!langfuse)[a-z0-9_-]{1,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One score as the API takes it, and the generation it belongs to."""

    generation_id: str
    body: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.body["id"])


def scores_of(one: Unsent) -> list[Score]:
    """The scores of a generation's tags, as they are now."""
    return [
        Score(generation_id=one.id, body=_body(one, name=dimension, value=value, id_=id_))
        for id_, dimension, value in _named(one, one.tags)
    ]


def outdated(one: Unsent) -> list[str]:
    """The ids of scores that Langfuse was sent and that stand for no tag any more."""
    now = {id_ for id_, _, _ in _named(one, one.tags)}
    return [id_ for id_, _, _ in _named(one, one.sent) if id_ not in now]


def _named(one: Unsent, tags: Any) -> Iterator[tuple[str, str, str]]:
    """(id, dimension, value) of each value."""
    for dimension, given in sorted(tags.items()):
        values = sorted(map(str, given)) if isinstance(given, list) else [str(given)]
        for place, value in enumerate(values):
            named = "\0".join(
                (one.workspace, one.id, one.created_at.astimezone(UTC).isoformat(), dimension, str(place))
            )
            yield f"aftertag-{sha256(named.encode()).hexdigest()[:32]}", dimension, value


def _body(one: Unsent, *, name: str, value: str, id_: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": id_,
        "traceId": one.trace_id,
        "name": name,
        "value": value,
        "dataType": "CATEGORICAL",
        "timestamp": one.created_at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "metadata": {"aftertag_generation_id": one.id},
    }
    if one.span_id is not None:
        body["observationId"] = one.span_id
    if one.environment is not None and _ENVIRONMENT.fullmatch(one.environment):
        body["environment"] = one.environment
    return body
