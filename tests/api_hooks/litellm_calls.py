"""A program with LiteLLM's SDK in it, run by an interpreter that has that: every kind of call, each by a user of its own.

python -m tests.api_hooks.litellm_calls http://127.0.0.1:PROVIDER        prints {user: the id that the caller saw}
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import litellm

import api_hooks
from api_hooks import wire
from api_hooks.integrations.litellm import callback

SAID = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why is the sky blue?"}]
TOOLS = [{"type": "function", "function": {"name": "search", "parameters": {"type": "object", "properties": {}}}}]

seen: dict[str, str | None] = {}


def main(provider: str) -> None:
    api_hooks.configure(workspace="acme")
    litellm.callbacks = [callback]
    openai = {"model": "openai/gpt-5-mini", "api_base": f"{provider}/v1", "api_key": "sk-none"}
    claude = {"model": "anthropic/claude-sonnet-4-5", "api_base": provider, "api_key": "sk-none"}
    _sync(openai)
    asyncio.run(_async(openai, claude))
    print(json.dumps(seen))  # noqa: T201
    # What was logged last is still on its way: LiteLLM and the hook end together with the interpreter.


def _sync(openai: dict[str, Any]) -> None:
    with caller("completion") as note:
        note(litellm.completion(messages=SAID, tools=TOOLS, metadata={"ticket": "T-1", "session_id": "s-1"}, **openai))
    with caller("stream") as note:
        [first, *_] = litellm.completion(messages=SAID, stream=True, **openai)
        note(first)
    with caller("abandoned stream"):
        next(iter(litellm.completion(messages=SAID, stream=True, **openai)))
    with caller("nearer") as note:
        note(
            litellm.completion(
                messages=SAID, metadata={"headers": {"x-title": "a client"}, "session_id": "of the call"}, **openai
            )
        )
    with caller("text completion") as note:
        note(
            litellm.text_completion(
                prompt="Say", **{**openai, "model": "text-completion-openai/gpt-3.5-turbo-instruct"}
            )
        )
    with caller("responses") as note:
        note(litellm.responses(input="Why?", instructions="Be brief.", **openai))
    with caller("responses stream") as note:
        note(list(litellm.responses(input="Why?", stream=True, **openai))[-1].response)
    with caller("mock") as note:
        note(litellm.completion(model="openai/gpt-5-mini", messages=SAID, mock_response="Mocked."))
    with caller("unpriced") as note:
        note(litellm.completion(messages=SAID, **{**openai, "model": "openai/our-own-model"}))
    with caller("embedding"):
        litellm.embedding(model="text-embedding-3-small", input=["x"], mock_response=[0.1])
    with caller("failure"):
        try:
            litellm.completion(messages=[{"role": "user", "content": "play: 400"}], max_retries=0, **openai)
        except litellm.exceptions.BadRequestError:
            seen["failure"] = "BadRequestError"
    litellm.cache = litellm.Cache(type="local")
    with caller("cached") as note:
        note(litellm.completion(messages=[{"role": "user", "content": "twice"}], caching=True, **openai))
    with caller("cached again") as note:
        note(litellm.completion(messages=[{"role": "user", "content": "twice"}], caching=True, **openai))
    litellm.cache = None


async def _async(openai: dict[str, Any], claude: dict[str, Any]) -> None:
    with caller("acompletion") as note:
        note(await litellm.acompletion(messages=SAID, **openai))
    with caller("astream") as note:
        note((await _all(await litellm.acompletion(messages=SAID, stream=True, **openai)))[0])
    with caller("edited afterwards") as note:
        edited = [{"role": "user", "content": "as it was"}]
        note(await litellm.acompletion(messages=edited, **openai))
        edited[0]["content"] = "CHANGED"  # before LiteLLM's loop comes to logging it
        edited.append({"role": "user", "content": "CHANGED"})
    unread = await litellm.acompletion(messages=SAID, stream=True, **openai)
    with caller("a stranger", workspace="strangers"):
        [seen["outside any context"], *_] = [chunk.id for chunk in await _all(unread)]
    with caller("abandoned astream"):
        async for _ in await litellm.acompletion(messages=SAID, stream=True, **openai):
            break
    with caller("aresponses stream") as note:
        note((await _all(await litellm.aresponses(input="Why?", stream=True, **openai)))[-1].response)
    with caller("messages") as note:
        blocks = [{"type": "text", "text": "Be brief."}]
        note(await litellm.anthropic.messages.acreate(messages=SAID[1:], max_tokens=20, system=blocks, **claude))
    with caller("claude by chat") as note:
        note(await litellm.acompletion(messages=SAID, **claude))
    with caller("claude by responses") as note:
        note(await litellm.aresponses(input="Why?", **claude))
    with caller("openai by messages") as note:
        note(await litellm.anthropic.messages.acreate(messages=SAID[1:], max_tokens=20, **openai))
    with caller("atext completion") as note:
        instruct = {**openai, "model": "text-completion-openai/gpt-3.5-turbo-instruct"}
        note(await litellm.atext_completion(prompt="Say", **instruct))
    broken = {**openai, "api_base": "http://127.0.0.1:1/v1"}
    router = litellm.Router(
        model_list=[{"model_name": name, "litellm_params": given} for name, given in (("a", broken), ("b", openai))],
        fallbacks=[{"a": ["b"]}],
        num_retries=0,
    )
    with caller("router") as note:
        note(await router.acompletion(model="b", messages=SAID))
    with caller("router's fallback") as note:
        note(await router.acompletion(model="a", messages=SAID))
    with caller("router's stream") as note:
        note((await _all(await router.acompletion(model="b", messages=SAID, stream=True)))[0])
    with caller("many at once"):
        await asyncio.gather(*(litellm.acompletion(messages=SAID, **openai) for _ in range(50)))
    with caller("the last") as note:
        note(await litellm.acompletion(messages=SAID, **openai))


@contextmanager
def caller(name: str, workspace: str | None = None) -> Iterator[Callable[[Any], None]]:
    """Calls of one user's, in a workspace; note the response that came back."""

    def note(response: Any) -> None:
        seen[name] = wire.call_id(response)

    with api_hooks.context(user=name, app="calls", workspace=workspace):
        yield note


async def _all(stream: AsyncIterator[Any]) -> list[Any]:
    return [one async for one in stream]


if __name__ == "__main__":
    main(sys.argv[1])
