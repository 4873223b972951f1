"""A program in which LiteLLM's callback and our instrumentation see the same calls; it prints what both handed over.

python -m tests.api_hooks.integrations.beside_litellm PROVIDER_URL HOW      where the callback is named: `callbacks`,
                                                                            `success_callback`, `each call`
"""

import asyncio
import dataclasses
import gc
import json
import sys
from typing import Any

import litellm
import openai

import api_hooks
import api_hooks.testing
from api_hooks.integrations.litellm import callback
from tests.waiting import wait_until


def main(provider_url: str, how: str) -> None:
    if how != "each call":
        setattr(litellm, how, [callback])
    api_hooks.instrument_openai()

    def team() -> dict[str, Any]:
        """Whose the next call is, as LiteLLM's callers say it."""
        named = {"success_callback": [callback]} if how == "each call" else {}
        return {"metadata": {"aftertag_workspace": "team-ws", "ticket": "T-1"}, **named}

    given = {"model": "openai/gpt-5-mini", "api_base": provider_url + "/v1", "api_key": "k"}

    async def stream() -> None:
        async for _ in await litellm.acompletion(**given, messages=said("acompletion"), stream=True, **team()):
            pass
        if how == "callbacks":
            await asyncio.to_thread(wait_until, is_told_of_acompletion)
        else:
            await asyncio.sleep(
                1
            )  # LiteLLM tells of it on tasks of its own, where it tells: that it does not is no event

    def is_told_of_acompletion() -> bool:
        return any(one.turns[0].text == "acompletion" for one in generations)

    with api_hooks.testing.captured(workspace="acme") as generations, api_hooks.context(user="u-1"):
        litellm.completion(**given, messages=said("completion"), **team())
        for _ in litellm.completion(**given, messages=said("stream"), stream=True, **team()):
            pass
        litellm.responses(**given, input="responses", **team())
        asyncio.run(stream())
        next(iter(litellm.completion(**given, messages=said("abandoned"), stream=True, **team())))
        wait_until(lambda: gc.collect() >= 0 and any(one.finish_reason == "abandoned" for one in generations))
        openai.OpenAI(base_url=given["api_base"], api_key="k").chat.completions.create(
            model="gpt-5-mini", messages=said("the SDK's own")
        )
        handed_over = [dataclasses.asdict(one) for one in generations]
    print(json.dumps(handed_over))  # noqa: T201


def said(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


if __name__ == "__main__":
    main(*sys.argv[1:])
