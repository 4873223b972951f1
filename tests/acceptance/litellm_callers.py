"""A program that calls a LiteLLM proxy with OpenAI's SDK, run by an interpreter that has that; each call is a user's.

    python -m tests.acceptance.litellm_callers http://127.0.0.1:PROXY LAST [hooked]      prints {end user: the id that it saw}

LAST is the end user of the last call; `hooked`: our hook watches the SDK, too.
"""

import json
import sys
from typing import Any

import httpx
import openai

import api_hooks
from api_hooks import wire

SAID = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why is the sky blue?"}]

seen: dict[str, str | None] = {}


def main(proxy: str, last: str, *, is_hooked: bool) -> None:
    if is_hooked:
        api_hooks.instrument_openai()
    client = openai.OpenAI(
        base_url=f"{proxy}/v1", api_key="sk-helpdesk", max_retries=0, default_headers={"X-Title": "Helpdesk"}
    )
    _chat(client)
    _responses(client)
    _others(proxy, client)
    _last(proxy, last)
    print(json.dumps(seen))  # noqa: T201


def _chat(client: Any) -> None:
    more = {"model": "gpt-5-mini", "messages": SAID}
    seen["chat"] = wire.call_id(client.chat.completions.create(user="chat", **more))
    [first, *_] = client.chat.completions.create(user="chat stream", stream=True, **more)
    seen["chat stream"] = wire.call_id(first)
    mocked = {"model": "mocked", "messages": SAID}
    seen["mocked"] = wire.call_id(client.chat.completions.create(user="mocked", **mocked))
    [first, *_] = client.chat.completions.create(user="mocked stream", stream=True, **mocked)
    seen["mocked stream"] = wire.call_id(first)
    claude = {"model": "claude", "messages": SAID}
    seen["claude"] = wire.call_id(client.chat.completions.create(user="claude", **claude))
    seen["text"] = wire.call_id(client.completions.create(model="gpt-5-mini", prompt="Say", user="text"))


def _responses(client: Any) -> None:
    more = {"model": "gpt-5-mini", "input": "Why?", "instructions": "Be brief."}
    seen["responses"] = wire.call_id(client.responses.create(user="responses", **more))
    [*_, last] = client.responses.create(user="responses stream", stream=True, **more)
    seen["responses stream"] = wire.call_id(last.response)
    seen["bridged"] = wire.call_id(client.responses.create(model="claude", input="Why?", user="bridged"))


def _others(proxy: str, client: Any) -> None:
    """Calls by other means than OpenAI's SDK, and such that are no generations."""
    with httpx.Client(
        base_url=proxy, headers={"Authorization": "Bearer sk-helpdesk"}, timeout=60, trust_env=False
    ) as http:
        _messages(http, "/v1/messages", "claude", whole="messages", streamed="m stream")
        # Addresses that are passed on to the provider as they are; of some of them no model answers.
        _messages(http, "/anthropic/v1/messages", "claude-sonnet-4-5", whole="passed on", streamed="passed on stream")
        http.get("/anthropic/v1/models").raise_for_status()
    client.embeddings.create(model="embedding", input="x", user="embedding")
    try:
        client.chat.completions.create(
            model="gpt-5-mini", messages=[{"role": "user", "content": "play: 400"}], user="failed"
        )
    except openai.BadRequestError:
        return
    raise AssertionError("the provider's error did not come through")


def _messages(http: httpx.Client, path: str, model: str, *, whole: str, streamed: str) -> None:
    body = {"model": model, "max_tokens": 20, "messages": SAID[1:], "system": "Be brief."}
    answer = http.post(path, json={**body, "metadata": {"user_id": whole}})
    seen[whole] = wire.call_id(answer.raise_for_status().json())
    with http.stream("POST", path, json={**body, "stream": True, "metadata": {"user_id": streamed}}) as stream:
        events = [json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: ")]
    seen[streamed] = wire.call_id(events[0]["message"])


def _last(proxy: str, user: str) -> None:
    """One more call, with the virtual key of another workspace: when it has been reported, all others have."""
    body = {"model": "mocked", "messages": SAID, "user": user}
    header = {"Authorization": "Bearer sk-research"}
    httpx.post(
        f"{proxy}/v1/chat/completions", json=body, headers=header, timeout=60, trust_env=False
    ).raise_for_status()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], is_hooked="hooked" in sys.argv[3:])
