"""What the project ships for the demo: conversations, and apart from them the tags that a person gave."""

import json
from importlib.resources import files
from typing import Any

WORKSPACE = "demo"
PRESETS = ("department", "task_type")


def conversations() -> list[dict[str, Any]]:
    """The conversations, each with the arguments that `api_hooks.enqueue` takes."""
    return _lines("conversations.jsonl")


def hand_tags() -> dict[str, dict[str, str]]:
    """The tags that a person gave, by id. No classifier ever reads them."""
    return {line["id"]: line["tags"] for line in _lines("hand_tags.jsonl")}


def _lines(name: str) -> list[dict[str, Any]]:
    text = (files(__package__) / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]
