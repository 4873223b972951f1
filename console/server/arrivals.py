"""What one request brought, as a way in has read it: documents that are to be recorded, and what became of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from worker.feedback import Feedback
from worker.generation import Generation

Kind = Literal["generation", "feedback"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """Stands among the documents for what no document could be made of, so that it is rejected with this reason."""

    given: object = field(repr=False)
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """Documents in their order, as `enqueue` takes them, and feedback, as `feedback` does.

    `on_the_wire` says that they are the hook's own generations, and its own feedback. Results come for the documents
    first, then for the feedback.

    `dropped` are losses that the sender reports, by reason. `kept_when_rejected`: what cannot be recorded is set aside,
    because the sender does not read results. `alone`: the body was one object, so that its rejection is the answer.
    `ignored` counts what else the request brought, by what it is; it goes into the metrics.
    """

    documents: Sequence[object] = field(default=(), repr=False)
    feedback: Sequence[object] = field(default=(), repr=False)
    on_the_wire: bool = False
    dropped: Mapping[str, int] = field(default_factory=dict)
    kept_when_rejected: bool = False
    alone: bool = False
    ignored: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one document; `id` is the generation's, or as it was given where none could be made of it."""

    id: str | None
    status: Literal["recorded", "known", "rejected"]
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One document, or one feedback, that can be recorded, or why it cannot."""

    kind: Kind
    given: object = field(repr=False)
    id: str | None
    found: Generation | Feedback | None = field(default=None, repr=False)
    reason: str = ""
    foreign: bool = False
    """It names another workspace: it is never set aside, whose replay would put it there."""
