"""The wire contract, version 1: what a generation looks like between the hook and the worker. Standard library only.

One Celery message carries one batch to the task `aftertag.record` on the queue `record`, as its only argument:

    batch = {"v": 1, "generations": [generation, ...],
             "feedback": [feedback, ...],               only where there is some
             "dropped": {reason: count}}                only after losses
    feedback = {"id", "workspace", "generation_id", "created_at", "score", "comment", "user", "metadata"}

The same batch is the body of a request to a server, `POST /v1/generations`. There, `workspace` may be None in a
generation and in feedback: the server knows it by the sender's key.

`generation` builds what stands in a batch from the arguments of `api_hooks.enqueue`, which are also the keys of a
plain document such as `{"messages": [...]}`. `normalise_messages` turns the messages of several APIs into turns
`[kind, text, name, length]`. Every input has a defined result:

| given as a message | becomes |
|---|---|
| text alone | a user turn; an assistant turn as the output |
| a tuple of two texts | a turn: role, content |
| the body of a whole request | its system prompt, then its messages |
| role developer, human, ai, model, function | system, user, assistant, assistant, tool_result |
| any other role | a user turn |
| no role | a user turn; an assistant turn as the output |
| content that is a list of parts | one turn, a line per part; tool calls and results in it are turns of their own |
| an image, sound, other media | [image], [audio], [file]; a sound's transcript where there is one |
| reasoning, thinking | nothing |
| a refusal | its text, as the assistant's |
| a tool call | a tool_call turn: the arguments as they came, also when they are broken JSON; objects as JSON |
| a tool's result | a tool_result turn, with the name of the call whose id it bears |
| empty or missing content | a turn without text, unless the message has tool calls |
| a text over 5,000 characters | its first 5,001, and its full length |
| NUL, lone surrogates | U+FFFD |
| an object | read by its attributes, or by `model_dump` when it has none of ours |
| an iterator, what raises when read, what refers to itself, an unknown part without text | [unreadable] |
| None among the messages | nothing |
| more turns than 20,000, or more than 1 MB | the first and the last, and how many are left out |
"""

from api_hooks.wire.contract import (
    BATCH_BYTES,
    COMMENT_CHARACTERS,
    GENERATION_BYTES,
    ID_CHARACTERS,
    KINDS,
    LOSS_REASONS,
    NOT_CAPTURED,
    OWN_CALL_AGENT,
    OWN_CALL_HEADER,
    OWN_CALL_KEY,
    OWN_CALL_MARK,
    OWN_CALL_UNSIGNED,
    RECORD_QUEUE,
    RECORD_TASK,
    SCORE_AT_MOST,
    SHORT_CHARACTERS,
    TURN_CHARACTERS,
    TURNS_AT_MOST,
    UNREADABLE,
    VERSION,
    WITHHELD,
    UnusableError,
)
from api_hooks.wire.feedback import feedback
from api_hooks.wire.generation import generation
from api_hooks.wire.identity import draw, uuid7
from api_hooks.wire.naming import call_id, response_id
from api_hooks.wire.providers import provider_of
from api_hooks.wire.redaction import Redact
from api_hooks.wire.sampling import Sample
from api_hooks.wire.turns import normalise_messages
from api_hooks.wire.usage import normalise_usage

__all__ = [
    "BATCH_BYTES",
    "COMMENT_CHARACTERS",
    "GENERATION_BYTES",
    "ID_CHARACTERS",
    "KINDS",
    "LOSS_REASONS",
    "NOT_CAPTURED",
    "OWN_CALL_AGENT",
    "OWN_CALL_HEADER",
    "OWN_CALL_KEY",
    "OWN_CALL_MARK",
    "OWN_CALL_UNSIGNED",
    "RECORD_QUEUE",
    "RECORD_TASK",
    "SCORE_AT_MOST",
    "SHORT_CHARACTERS",
    "TURNS_AT_MOST",
    "TURN_CHARACTERS",
    "UNREADABLE",
    "VERSION",
    "WITHHELD",
    "Redact",
    "Sample",
    "UnusableError",
    "call_id",
    "draw",
    "feedback",
    "generation",
    "normalise_messages",
    "normalise_usage",
    "provider_of",
    "response_id",
    "uuid7",
]
