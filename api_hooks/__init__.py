"""Hand over completed generations, fire and forget: `api_hooks.enqueue(messages, output, workspace="acme")`.

`enqueue` takes a snapshot into a bounded buffer and returns; a thread sends batches to the worker's queue in Redis, or
to a server. Importing this starts nothing, reads nothing and needs the standard library only.
"""

from typing import Any, Never, TypeVar

from api_hooks import current
from api_hooks.attribution import context
from api_hooks.errors import HookError, SettingsError
from api_hooks.line import Stats
from api_hooks.settings import Settings

__all__ = [
    "HookError",
    "Settings",
    "SettingsError",
    "Stats",
    "close",
    "configure",
    "context",
    "enqueue",
    "feedback",
    "flush",
    "instrument_anthropic",
    "instrument_openai",
    "stats",
    "uninstrument_anthropic",
    "uninstrument_openai",
]

Client = TypeVar("Client")


def enqueue(
    messages: Any = None,
    output: Any = None,
    *unknown: Never,
    workspace: str | None = None,
    model: str | None = None,
    provider: str | None = None,
    id: str | None = None,  # noqa: A002 - the word that every API of generations uses
    created_at: Any = None,
    tools: Any = None,
    usage: Any = None,
    cost_usd: Any = None,
    latency_ms: float | None = None,
    finish_reason: str | None = None,
    streamed: bool = False,
    user: str | None = None,
    session_id: str | None = None,
    app: str | None = None,
    api_key_name: str | None = None,
    metadata: Any = None,
    **unknown_too: Never,
) -> bool:
    """Hand over one completed generation. Return True when it is in the buffer, False when it was dropped and counted.

    Never raises, never blocks, does no I/O on this thread, whatever it is given and whatever is down. `messages` and
    `output` are in the shape of chat completions, Anthropic or Responses, or text; lists, dicts and objects such as an
    SDK's messages are copied six levels deep, so that they may be changed right after the call (not so objects made in
    C, and those with a finalizer). `created_at` defaults to now; `id` is your own (up to 200 characters,
    recorded once within 48 hours), else one is made. Odd values have defined results: see `api_hooks.wire`. Arguments
    that it does not know, which a type checker finds, are ignored.
    """
    # The one place that swallows: an application never fails over its tagging. Twice, because counting needs a stack too.
    try:
        try:
            return current.line().put(
                messages,
                output,
                {
                    "workspace": workspace,
                    "model": model,
                    "provider": provider,
                    "id": id,
                    "created_at": created_at,
                    "tools": tools,
                    "usage": usage,
                    "cost_usd": cost_usd,
                    "latency_ms": latency_ms,
                    "finish_reason": finish_reason,
                    "streamed": streamed,
                    "user": user,
                    "session_id": session_id,
                    "app": app,
                    "api_key_name": api_key_name,
                    "metadata": metadata,
                },
            )
        except Exception:  # noqa: BLE001
            current.count_lost("bad_input")
    except Exception:  # noqa: BLE001
        return False
    return False


def feedback(
    generation_id: Any = None,
    score: float | None = None,
    comment: str | None = None,
    *unknown: Never,
    workspace: str | None = None,
    user: str | None = None,
    metadata: Any = None,
    id: str | None = None,  # noqa: A002 - as in enqueue
    **unknown_too: Never,
) -> bool:
    """Hand over what somebody thought of a generation. Return True when it is in the buffer, False when it was dropped.

    Never raises and never blocks, as `enqueue`. `generation_id` is the id that `enqueue` was given, or the id of the
    provider's response, or the response itself: that finds the generation also behind a LiteLLM proxy that encrypts
    ids. `score` is any number from -1,000,000 to 1,000,000; usual are -1, 0 and 1, or from 0 to 1.
    `comment` keeps its first 5,000 characters. What has neither, or a score that makes no sense, is counted as
    `bad_input`. `id` is your own: feedback with one is recorded once, however often it is handed over.
    """
    try:  # as in enqueue
        try:
            return current.line().put_feedback(
                {
                    "generation_id": generation_id,
                    "score": score,
                    "comment": comment,
                    "workspace": workspace,
                    "user": user,
                    "metadata": metadata,
                    "id": id,
                }
            )
        except Exception:  # noqa: BLE001
            current.count_lost("bad_input")
    except Exception:  # noqa: BLE001
        return False
    return False


def configure(**given: Any) -> Settings:
    """Set what `api_hooks.settings.Settings` lists, and return all settings. Raise SettingsError for what is wrong.

    What the settings before have in the buffer is sent first, for up to their `exit_seconds`. While a Redis hangs, a
    thread that forks may wait for an attempt to send, up to `socket_timeout_seconds` (1).
    """
    return current.configure(given)


def flush(timeout_seconds: float = 2.0) -> bool:
    """Wait until everything handed over so far is sent or dropped. Return False when the seconds pass first."""
    return current.flush(timeout_seconds)


def close(timeout_seconds: float = 2.0) -> bool:
    """`flush`, and end the sending thread. What is handed over later is counted as `closed`, until `configure`."""
    return current.close(timeout_seconds)


def stats() -> Stats:
    """What became of the generations so far."""
    return current.stats()


def instrument_openai(client: Client | None = None) -> Client | None:
    """Hand over what OpenAI's SDK generates from now on: by this client and its copies, or by every client.

    Return the client. Chat completions, Responses and legacy completions, as streams, parsed or raw, sync or async,
    through Azure or other servers of the API. A stream is handed over when it ends; one that is not read to its end has
    the finish reason `abandoned`. A response that is worked out in the background is handed over when the process that
    asked for it retrieves it. Failed calls are no generations. Nothing of what the application sees changes.
    Instrumenting again does nothing. Raise ImportError when there is no `openai`.
    """
    from api_hooks.integrations import openai
    from api_hooks.integrations.stainless import installing

    installing.instrument(openai.SDK, client)
    return client


def uninstrument_openai(client: Client | None = None) -> Client | None:
    """Undo `instrument_openai` with the same argument. Return the client."""
    from api_hooks.integrations import openai
    from api_hooks.integrations.stainless import installing

    installing.uninstrument(openai.SDK, client)
    return client


def instrument_anthropic(client: Client | None = None) -> Client | None:
    """`instrument_openai` for Anthropic's SDK: messages and beta messages, as streams, parsed or raw, sync or async."""
    from api_hooks.integrations import anthropic
    from api_hooks.integrations.stainless import installing

    installing.instrument(anthropic.SDK, client)
    return client


def uninstrument_anthropic(client: Client | None = None) -> Client | None:
    """Undo `instrument_anthropic` with the same argument. Return the client."""
    from api_hooks.integrations import anthropic
    from api_hooks.integrations.stainless import installing

    installing.uninstrument(anthropic.SDK, client)
    return client
