"""A program with Langfuse's wrapper and our instrumentation at once; it prints what ours handed over."""

import dataclasses
import json
import sys

import langfuse
import langfuse.openai
import openai
from posthog import Posthog
from posthog.ai.openai import OpenAI as PostHogs

import api_hooks
import api_hooks.testing


def main(provider_url: str, sink_url: str) -> None:
    capture = langfuse.Langfuse(public_key="pk-1", secret_key="sk-1", base_url=sink_url)
    api_hooks.instrument_openai()
    said = [{"role": "user", "content": "hello"}]
    with api_hooks.testing.captured(workspace="acme") as generations:
        client = langfuse.openai.openai.OpenAI(base_url=provider_url + "/v1", api_key="k")
        assert type(client) is openai.OpenAI
        ids = [client.chat.completions.create(model="m", messages=said).id]
        ids.append(next(client.chat.completions.create(model="m", messages=said, stream=True)).id)
        ids.append([*client.chat.completions.create(model="m", messages=said, stream=True)][-1].id)
        ids.append(client.responses.create(model="m", input="hello").id)
        events = Posthog("phc-1", host=sink_url)
        wrapped = PostHogs(base_url=provider_url + "/v1", api_key="k", posthog_client=events)
        ids.append(wrapped.chat.completions.create(model="m", messages=said).id)
        ids.append([*wrapped.chat.completions.create(model="m", messages=said, stream=True)][-1].id)
        capture.flush()
        events.flush()
        handed_over = [dataclasses.asdict(one) for one in generations]
    print(json.dumps({"ids": ids, "handed_over": handed_over}))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
