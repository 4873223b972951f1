"""What /docs and /openapi.json say of our own API: the shapes of what is sent, of results, and of what goes wrong."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field


class Result(BaseModel):
    """What became of one generation, or of one feedback."""

    id: str | None = Field(None, description="Its id: the given one, or the one that was made for it.")
    status: Literal["recorded", "known", "rejected"] = Field(
        description="recorded: it is in Postgres now; known: it was there before, and nothing changed."
    )
    reason: str | None = Field(None, description="Why it was rejected; the others went in.")


class Results(BaseModel):
    """A result for each, in the order in which they were sent."""

    results: list[Result]
    recorded: int
    known: int
    rejected: int


class Wrong(BaseModel):
    """What went wrong, for a program and for a person."""

    code: str
    message: str


class Problem(BaseModel):
    """The one shape of every answer that is no success."""

    error: Wrong


RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"model": Results},
    400: {"model": Problem, "description": "Not JSON, or broken gzip."},
    401: {"model": Problem, "description": "No key, or one that does not count."},
    403: {"model": Problem, "description": "A person's key; it takes an application's."},
    408: {"model": Problem, "description": "The body did not come in time."},
    413: {"model": Problem, "description": "Too large a body, or too many generations in it."},
    415: {"model": Problem, "description": "A content type or encoding that is not read here."},
    422: {"model": Problem, "description": "JSON, but nothing that can be recorded."},
    429: {"model": Problem, "description": "Over the key's rate; Retry-After says when to come back."},
    503: {"model": Problem, "description": "Not now; come back with the same ids, nothing is recorded twice."},
}

Metadata = Annotated[dict[str, str] | None, Field(description="Up to 64 keys; keys and values up to 512 characters.")]


class Generation(BaseModel):
    """One completed LLM call. What is left out stays empty; fields that are not listed here are ignored."""

    messages: list[Any] | None = Field(None, description="As OpenAI, Anthropic or the Responses API take them.")
    output: Any = Field(None, description="The answer: a text, messages, or a provider's whole response.")
    id: str | None = Field(None, description="Yours; sent again within 48 hours it is known and changes nothing.")
    created_at: str | None = Field(None, description="ISO 8601 with a time zone; now, unless given.")
    model: str | None = None
    provider: str | None = Field(None, description="Who served the model, such as openai, azure, bedrock or ollama.")
    tools: list[Any] | None = Field(None, description="Only their names are kept.")
    usage: dict[str, Any] | None = Field(None, description="Tokens, as the provider reports them.")
    cost_usd: float | None = Field(
        None,
        description="In US dollars. Left out, it is estimated from the model's public price where that is known for the"
        " provider, or for the model where that is left out; `usage` has to name the tokens.",
    )
    latency_ms: float | None = None
    finish_reason: str | None = None
    streamed: bool = False
    user: str | None = None
    session_id: str | None = None
    app: str | None = Field(None, description="The key's application, unless given.")
    api_key_name: str | None = Field(None, description="The name of the provider's key that paid.")
    metadata: Metadata = None
    workspace: str | None = Field(None, description="The key's; any other is rejected.")


class Feedback(BaseModel):
    """What somebody thought of one generation's answer: a score, a comment, or both."""

    generation_id: str | dict[str, Any] = Field(
        description="The generation's id, or its response's, or the whole response."
    )
    score: float | None = Field(None, description="Any number from -1,000,000 to 1,000,000.")
    comment: str | None = Field(None, description="Cut to 5,000 characters; kept as long as the workspace keeps text.")
    user: str | None = None
    id: str | None = Field(None, description="Yours; sent again within 48 hours it is known and changes nothing.")
    created_at: str | None = Field(None, description="ISO 8601 with a time zone; now, unless given.")
    metadata: Metadata = None


def operation(summary: str, one: type[BaseModel], *, several: str, examples: Mapping[str, object]) -> Mapping[str, Any]:
    """Return the operation of an address that takes one, a list, or an object with a list under `several`."""
    schema = one.model_json_schema()
    listed = {"type": "array", "items": schema}
    anyway = {"type": "object", "properties": {several: listed}, "required": [several]}
    content = {
        "schema": {"anyOf": [schema, listed, anyway]},
        "examples": {name: {"value": value} for name, value in examples.items()},
    }
    return {"summary": summary, "requestBody": {"required": True, "content": {"application/json": content}}}


def protocol(summary: str, media_types: Sequence[str]) -> Mapping[str, Any]:
    """Return the operation of an address that takes somebody else's protocol."""
    content = {media_type: {"schema": {"type": "object"}} for media_type in media_types}
    return {"summary": summary, "requestBody": {"required": True, "content": content}}
