"""Feedback as it comes over the wire, checked: what somebody thought of a generation's answer; recording it is next."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from api_hooks import wire
from worker import generation
from worker.generation import WORKSPACE_PATTERN, Moment, Short

Id = Annotated[str, Field(min_length=1, max_length=wire.ID_CHARACTERS)]


class Feedback(BaseModel):
    """One feedback on one generation (version 1); its comment stays out of its repr."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Id
    workspace: Annotated[str, Field(pattern=WORKSPACE_PATTERN)]
    generation_id: Id
    created_at: Moment
    score: Annotated[float, Field(ge=-wire.SCORE_AT_MOST, le=wire.SCORE_AT_MOST, allow_inf_nan=False)] | None = None
    comment: Annotated[Annotated[str, Field(max_length=wire.COMMENT_CHARACTERS)] | None, Field(repr=False)] = None
    user: Short | None = None
    metadata: Annotated[dict[Short, Short], Field(max_length=64, repr=False)] = {}

    @property
    def key(self) -> tuple[str, str, datetime]:
        return (self.workspace, self.id, self.created_at)


_FEEDBACK = TypeAdapter(Feedback)


def read(document: object, *, now: datetime, past: timedelta) -> Feedback:
    """Check one feedback of a batch; raise generation.Unacceptable when it cannot be recorded as it is."""
    clean = generation.storable(document)
    return generation.checked(_FEEDBACK, clean, now=now, past=past, advice="feedback is given soon", whole="feedback")
