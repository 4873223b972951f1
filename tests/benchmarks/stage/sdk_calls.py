"""Chat completions through OpenAI's SDK: with our hook, and through Langfuse's and PostHog's wrappers, each beside plain ones.

It runs in the interpreter that has them all, and prints JSON: {level: {way: [without, with]}}, where both are lists of
[seconds, CPU seconds of the calling thread]. `again` is a second plain client.
Langfuse's wrapper changes the SDK's class for everybody; here only its own client gets what it put there.
"""

import argparse
import json
import random
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import openai
from openai.resources.chat.completions import Completions

import api_hooks

BACK_TO_BACK = "back_to_back"
LEVELS = (BACK_TO_BACK, 1, 10, 100)
BLOCKS = {"hook": 6, "again": 2, "langfuse": 1, "posthog": 1}
"""How many of each way a round has: what adds little takes most calls to be told from nothing."""

CALLS_A_SECOND = 25
TURNS = 6
TURN_CHARACTERS = 350
Taken = tuple[float, float]
Measured = tuple[list[Taken], list[Taken]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    call: Callable[..., Any]
    flush: Callable[[], object]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model-url", required=True)
    parser.add_argument("--sink-url", required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--calls", type=int, required=True)
    given = parser.parse_args(arguments)
    ways = _ways(given.model_url, given.sink_url)
    measured: dict[int | str, dict[str, Measured]] = {level: {way: ([], []) for way in BLOCKS} for level in LEVELS}
    for level in LEVELS:
        for way in BLOCKS:
            _measured(ways[way], level, calls=20, name="warming up")
    blocks = [(level, way) for level in LEVELS for way, number in BLOCKS.items() for _ in range(number)]
    for number in range(given.rounds):
        for level, way in random.sample(blocks, len(blocks)):
            found = _measured(ways[way], level, calls=given.calls, name=f"{number} {way}")
            for which in (0, 1):
                measured[level][way][which].extend(found[which])
    print(json.dumps({"seconds": measured, "handed_over": api_hooks.stats().accepted}))


def _ways(model_url: str, sink_url: str) -> dict[str, list[Way]]:
    """A plain way and each other way beside it. Each has a client of its own, so that none has more of its connections open."""
    plain = {way: _client(openai.OpenAI, model_url) for way in BLOCKS}
    clients: dict[str, Any] = {way: _client(openai.OpenAI, model_url) for way in ("again", "hook", "langfuse")}

    api_hooks.configure(url=sink_url, workspace="bench")
    api_hooks.instrument_openai(clients["hook"])

    create = Completions.create
    import langfuse
    import langfuse.openai

    wrapped, Completions.create = Completions.create, create  # type: ignore[method-assign]
    completions = clients["langfuse"].chat.completions
    completions.create = wrapped.__get__(completions, Completions)
    capture = langfuse.Langfuse(public_key="pk-bench", secret_key="sk-bench", base_url=sink_url)

    from posthog import Posthog
    from posthog.ai.openai import OpenAI as Wrapper

    events = Posthog("phc-bench", host=sink_url)
    clients["posthog"] = _client(Wrapper, model_url, posthog_client=events)

    flushes = {"hook": lambda: api_hooks.flush(10), "langfuse": capture.flush, "posthog": events.flush}
    return {
        way: [
            Way(call=plain[way].chat.completions.create, flush=lambda: None),
            Way(call=clients[way].chat.completions.create, flush=flushes.get(way, lambda: None)),
        ]
        for way in BLOCKS
    }


def _client(kind: Any, model_url: str, **more: Any) -> Any:
    limits = httpx.Limits(max_connections=1_000, max_keepalive_connections=200, keepalive_expiry=120)
    over = openai.DefaultHttpxClient(limits=limits)
    return kind(base_url=model_url + "/v1", api_key="bench", max_retries=0, timeout=60, http_client=over, **more)


def _measured(ways: list[Way], level: int | str, *, calls: int, name: str) -> Measured:
    """Call without and with a way: one after the other, or so many at once."""
    if isinstance(level, str):
        return _in_blocks(ways, calls // 2, name)
    return _mixed(ways, level, calls, name)


def _in_blocks(ways: list[Way], calls: int, name: str) -> Measured:
    """Back to back, first all calls of one way, then of the other.

    A block ends with a flush: what a way does later, on its threads, falls on its own calls and on nobody else's.
    """
    taken: Measured = ([], [])
    for which in random.sample((0, 1), 2):
        for number in range(calls):
            taken[which].append(_call(ways[which], f"{name} {which} {number} play: words:40"))
        ways[which].flush()
    return taken


def _mixed(ways: list[Way], concurrency: int, calls: int, name: str) -> Measured:
    """From so many threads that each wait for the model, each call one way or the other by chance.

    The threads begin one after the other, as clients do.
    """
    taken: Measured = ([], [])
    wait_seconds = concurrency / CALLS_A_SECOND

    def work(thread: int) -> None:
        time.sleep(wait_seconds * thread / concurrency)
        for number in range(max(1, calls // concurrency)):
            which = random.randrange(2)
            text = f"{concurrency} {thread} {number} {name} play: wait:{wait_seconds},words:40"
            taken[which].append(_call(ways[which], text))

    threads = [threading.Thread(target=work, args=[thread]) for thread in range(concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for way in ways:
        way.flush()
    return taken


def _call(way: Way, text: str) -> Taken:
    messages = _messages(text)
    before, cpu_before = time.perf_counter(), time.thread_time()
    way.call(model="gpt-5-mini", messages=messages)
    return time.perf_counter() - before, time.thread_time() - cpu_before


def _messages(text: str) -> list[Any]:
    said = "The quick brown fox jumps over the lazy dog. " * 10
    turns = [{"role": "system", "content": "You are the help desk. " + said[:TURN_CHARACTERS]}]
    turns += [
        {"role": "assistant" if number % 2 else "user", "content": f"{number} {said}"[:TURN_CHARACTERS]}
        for number in range(TURNS)
    ]
    return [*turns, {"role": "user", "content": text}]


if __name__ == "__main__":
    main(sys.argv[1:])
