"""Chat completions through OpenAI's SDK: plain, with our hook, and through Langfuse's and PostHog's wrappers, in turn.

It runs in the interpreter that has them all, and prints JSON: {concurrency: [{way: [[seconds, CPU seconds of the
calling thread], …]}]}, one entry for each round.
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

import openai
from openai.resources.chat.completions import Completions

import api_hooks

WAYS = ("plain", "hook", "langfuse", "posthog")
CALLS_OF_A_BLOCK = 200
TURNS = 6
TURN_CHARACTERS = 350
Taken = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    call: Callable[..., Any]
    flush: Callable[[], object]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model-url", required=True)
    parser.add_argument("--sink-url", required=True)
    parser.add_argument("--levels", required=True, help="concurrency:wait_seconds:rounds, by comma")
    given = parser.parse_args(arguments)
    ways = _ways(given.model_url, given.sink_url)
    measured = {}
    for level in given.levels.split(","):
        concurrency, wait_seconds, rounds = level.split(":")
        measured[concurrency] = _measured(ways, int(concurrency), float(wait_seconds), int(rounds))
    print(json.dumps({"seconds": measured, "handed_over": api_hooks.stats().accepted}))


def _ways(model_url: str, sink_url: str) -> dict[str, Way]:
    """Each way's call, of a client of its own."""
    clients: dict[str, Any] = {way: _client(openai.OpenAI, model_url) for way in ("plain", "hook", "langfuse")}

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
    return {way: Way(call=clients[way].chat.completions.create, flush=flushes.get(way, lambda: None)) for way in WAYS}


def _client(kind: Any, model_url: str, **more: Any) -> Any:
    return kind(base_url=model_url + "/v1", api_key="bench", max_retries=0, timeout=60, **more)


def _measured(ways: dict[str, Way], concurrency: int, wait_seconds: float, rounds: int) -> list[dict[str, list[Taken]]]:
    """In each round a block of calls by each way, in random order.

    A block ends with a flush: what a way does later, on its threads, falls on its own calls and on nobody else's.
    """
    chance = random.Random(concurrency)
    order = list(WAYS)
    found = []
    for number in range(-1, rounds):  # the first round warms up
        chance.shuffle(order)
        blocks = {way: _block(ways[way], concurrency, wait_seconds, f"{number} {way}") for way in order}
        if number >= 0:
            found.append(blocks)
    return found


def _block(way: Way, concurrency: int, wait_seconds: float, name: str) -> list[Taken]:
    """Call from so many threads that each wait for the model; they begin one after the other, as clients do."""
    taken: list[Taken] = []

    def work(number: int) -> None:
        time.sleep(wait_seconds * number / concurrency)
        for turn in range(CALLS_OF_A_BLOCK // concurrency):
            messages = _messages(f"{concurrency} {number} {turn} {name} play: wait:{wait_seconds},words:40")
            before, cpu_before = time.perf_counter(), time.thread_time()
            way.call(model="gpt-5-mini", messages=messages)
            taken.append((time.perf_counter() - before, time.thread_time() - cpu_before))

    threads = [threading.Thread(target=work, args=[number]) for number in range(concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    way.flush()
    return taken


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
