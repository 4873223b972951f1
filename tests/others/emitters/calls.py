"""The calls that every emitter of an OpenAI client watches: a chat, a tool, a stream with its result, Responses, a failure."""

import json
import os
from contextlib import suppress
from typing import Any

import openai

QUESTION = "Weather in Bern?"
SYSTEM = {"role": "system", "content": "Be brief."}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}


def client() -> openai.OpenAI:
    return openai.OpenAI(base_url=os.environ["PROVIDER_URL"] + "/v1", api_key="none", max_retries=0)


def make(asked: openai.OpenAI) -> None:
    """Make the five calls, and say what they used."""
    chats = asked.chat.completions
    user = {"role": "user", "content": QUESTION}
    plain = chats.create(model="gpt-5-mini", messages=[SYSTEM, user], user="u-17")
    tooled = {"role": "user", "content": f"{QUESTION} play: tool"}
    called = chats.create(model="gpt-5-mini", messages=[SYSTEM, tooled], tools=[TOOL])
    call = called.choices[0].message
    result = {"role": "tool", "tool_call_id": call.tool_calls[0].id, "content": "sunny"}
    history = [SYSTEM, tooled, call.model_dump(exclude_none=True), result]
    streamed = list(
        chats.create(
            model="gpt-5-mini", messages=history, tools=[TOOL], stream=True, stream_options={"include_usage": True}
        )
    )
    responded = asked.responses.create(model="gpt-5-mini", instructions="Be brief.", input=QUESTION)
    with suppress(openai.BadRequestError):
        chats.create(model="gpt-5-mini", messages=[{"role": "user", "content": "play: 400"}])
    used = [plain.usage, called.usage, streamed[-1].usage]
    tell(
        prompt=sum(one.prompt_tokens for one in used) + responded.usage.input_tokens,
        completion=sum(one.completion_tokens for one in used) + responded.usage.output_tokens,
        ids=[plain.id, called.id, streamed[0].id, responded.id],
    )


def tell(**used: Any) -> None:
    print(json.dumps(used), flush=True)  # noqa: T201
