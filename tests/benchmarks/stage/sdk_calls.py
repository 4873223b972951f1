"""Chat completions through OpenAI's SDK: plain, with our hook, and through Langfuse's and PostHog's wrappers, in turn.

It runs in the interpreter that has them all, and prints JSON: {concurrency: [{way: [seconds, CPU seconds of the
calling thread]}]}, one entry for each time that one thread called by all four ways.
Langfuse's wrapper changes the SDK's class for everybody; here only its own client gets what it put there.
"""

import argparse
import json
import random
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import openai
from openai.resources.chat.completions import Completions

import api_hooks

WAYS = ("plain", "hook", "langfuse", "posthog")
WARM_UP = 20
TURNS = 6
TURN_CHARACTERS = 350
Call = Callable[..., Any]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model-url", required=True)
    parser.add_argument("--sink-url", required=True)
    parser.add_argument("--levels", required=True, help="concurrency:wait_seconds:calls_of_each_way, by comma")
    given = parser.parse_args(arguments)
    calls, flushes = _ways(given.model_url, given.sink_url)
    measured = {}
    for level in given.levels.split(","):
        concurrency, wait_seconds, count = level.split(":")
        measured[concurrency] = _measured(calls, int(concurrency), wait_seconds, int(count))
    for flush in flushes:
        flush()
    print(json.dumps({"seconds": measured, "handed_over": api_hooks.stats().accepted}))


def _ways(model_url: str, sink_url: str) -> tuple[dict[str, Call], list[Callable[[], Any]]]:
    """Each way's own client, and what has to be flushed in the end."""
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

    calls = {way: clients[way].chat.completions.create for way in WAYS}
    return calls, [lambda: api_hooks.flush(10), capture.flush, events.flush]


def _client(kind: Any, model_url: str, **more: Any) -> Any:
    return kind(base_url=model_url + "/v1", api_key="bench", max_retries=0, timeout=60, **more)


def _measured(calls: dict[str, Call], concurrency: int, wait_seconds: str, count: int) -> list[dict[str, list[float]]]:
    """Call by each way `count` times, in random order, from so many threads that each wait for the model."""
    found: list[dict[str, list[float]]] = []
    rounds = -(-count // concurrency)

    def work(number: int) -> None:
        order = list(WAYS)
        chance = random.Random(number)
        time.sleep(float(wait_seconds) * number / concurrency)  # they shall not all begin at once
        for round_number in range(-(WARM_UP // concurrency) - 1, rounds):
            chance.shuffle(order)
            seconds: dict[str, list[float]] = {}
            for way in order:
                messages = _messages(f"{concurrency} {number} {round_number} {way} play: wait:{wait_seconds},words:40")
                before, cpu_before = time.perf_counter(), time.thread_time()
                calls[way](model="gpt-5-mini", messages=messages)
                seconds[way] = [time.perf_counter() - before, time.thread_time() - cpu_before]
            if round_number >= 0:
                found.append(seconds)

    threads = [threading.Thread(target=work, args=[number]) for number in range(concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


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
