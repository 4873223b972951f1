"""A program in which LiteLLM's callback and our instrumentation see the same calls; it prints what both handed over."""

import asyncio
import dataclasses
import json
import sys

import litellm

import api_hooks
import api_hooks.testing
from api_hooks.integrations.litellm import callback


def main(provider_url: str) -> None:
    litellm.callbacks = [callback]
    api_hooks.instrument_openai()
    given = {"model": "openai/gpt-5-mini", "api_base": provider_url + "/v1", "api_key": "k"}

    async def stream() -> None:
        async for _ in await litellm.acompletion(**given, messages=said("acompletion"), stream=True):
            pass
        await asyncio.sleep(1)  # LiteLLM tells of it on a task of its own

    with api_hooks.testing.captured(workspace="acme") as generations:
        litellm.completion(**given, messages=said("completion"))
        for _ in litellm.completion(**given, messages=said("stream"), stream=True):
            pass
        litellm.responses(**given, input="responses")
        asyncio.run(stream())
        handed_over = [dataclasses.asdict(one) for one in generations]
    print(json.dumps(handed_over))  # noqa: T201


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


if __name__ == "__main__":
    main(*sys.argv[1:])
