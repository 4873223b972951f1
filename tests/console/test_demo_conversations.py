"""The demo's conversations are varied and awkward enough for its agreement figure to mean something.

Provenance: all conversations in `console/demo/conversations.jsonl` were written for this project, are under its
licence, and copy nothing. The company (Brightkettle), its people, customers, orders and figures are invented; web
addresses end in `.example`. The texts were written before their author had read the presets' descriptions and examples:
only the names of the values were known. The tags in `console/demo/hand_tags.jsonl` are the author's judgement, made the
same way; they stand in a file of their own so that nothing that classifies can read them.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from taxonomies import presets

DEMO = Path(__file__).parents[2] / "console" / "demo"
FILES = (DEMO / "conversations.jsonl", DEMO / "hand_tags.jsonl")
DIMENSIONS = ("department", "task_type")
CUT_AT_CHARACTERS = 5_000
IMITATED = re.compile(r"^(?:ASSISTANT|SYSTEM|TOOL_RESULT run_sql):", re.MULTILINE)
SCRIPTS = {"Arabic": r"[\u0621-\u064a]{3}", "Hindi": r"[\u0904-\u0939]{2}", "Japanese": r"[\u3041-\u3096]{2}"}
WORDS = {
    "English": {"the", "and", "what", "for"},
    "German": {"und", "bitte", "nicht", "muss", "statt", "ich"},
    "French": {"une", "notre", "des", "dans", "pas", "est"},
    "Spanish": {"una", "cuántas", "hasta", "que", "mi", "y"},
    "Portuguese": {"não", "eu", "uma", "oi", "vai", "antes"},
}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


CONVERSATIONS = lines(FILES[0])
HAND_TAGS: dict[str, dict[str, str]] = {line["id"]: line["tags"] for line in lines(FILES[1])}


def text_of(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content)


def user_turns() -> Iterator[tuple[str, str]]:
    for conversation in CONVERSATIONS:
        for message in conversation["messages"]:
            if message["role"] == "user":
                yield conversation["id"], text_of(message)


def tool_calls(conversation: dict[str, Any]) -> list[dict[str, Any]]:
    return [call for message in conversation["messages"] for call in message.get("tool_calls", ())]


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return False
    return True


def is_in_language(text: str, language: str) -> bool:
    if language == "Chinese":
        return re.search(r"[\u4e00-\u9fff]{6}", text) is not None and re.search(r"[\u3041-\u30fa]", text) is None
    if language in SCRIPTS:
        return re.search(SCRIPTS[language], text) is not None
    return len(WORDS[language] & set(re.findall(r"\w+", text.lower()))) >= 2


def test_there_are_about_sixty_conversations_with_unique_ids() -> None:
    ids = [conversation["id"] for conversation in CONVERSATIONS]
    assert 55 <= len(ids) <= 70
    assert len(set(ids)) == len(ids)


def test_every_conversation_has_hand_given_tags_and_every_hand_given_tag_a_conversation() -> None:
    assert [line["id"] for line in lines(FILES[1])] == [conversation["id"] for conversation in CONVERSATIONS]


def test_no_conversation_carries_its_hand_given_tags() -> None:
    for conversation in CONVERSATIONS:
        assert not {"tags", *DIMENSIONS} & {*conversation, *conversation["metadata"]}


@pytest.mark.parametrize("name", DIMENSIONS)
def test_the_hand_given_tags_are_values_of_the_preset_and_use_every_one(name: str) -> None:
    values = {value.name for value in presets.load(name).taxonomy.dimension(name).values}
    assert {tags[name] for tags in HAND_TAGS.values()} == values


@pytest.mark.parametrize("name", DIMENSIONS)
def test_the_commonest_value_has_at_most_three_tenths_of_the_conversations(name: str) -> None:
    counts = Counter(tags[name] for tags in HAND_TAGS.values())
    [(_, commonest)] = counts.most_common(1)
    assert commonest <= 0.3 * len(HAND_TAGS)
    assert commonest > min(counts.values())


def test_every_conversation_has_the_attribution_of_a_real_generation() -> None:
    for conversation in CONVERSATIONS:
        assert {"app", "user", "session_id", "model", "provider", "api_key_name"} <= conversation.keys()
        assert conversation["usage"]["prompt"] > 0 < conversation["usage"]["completion"]
        assert 0 < conversation["cost_usd"] < 0.1
        assert 300 <= conversation["latency_ms"] <= 60_000
        assert conversation["finish_reason"] in {"stop", "tool_calls"}
        assert all(isinstance(value, str) for value in conversation["metadata"].values())
        assert conversation["output"]["role"] == "assistant"
    assert 8 <= len({conversation["user"] for conversation in CONVERSATIONS}) <= 14
    assert len({conversation["app"] for conversation in CONVERSATIONS}) == 6


@pytest.mark.parametrize("language", [*WORDS, *SCRIPTS, "Chinese"])
def test_someone_writes_in(language: str) -> None:
    assert any(is_in_language(text, language) for _, text in user_turns())


def test_at_least_six_conversations_call_tools_and_every_call_has_its_result() -> None:
    calling = [conversation for conversation in CONVERSATIONS if tool_calls(conversation)]
    assert len(calling) >= 6
    for conversation in calling:
        results = {message.get("tool_call_id") for message in conversation["messages"] if message["role"] == "tool"}
        assert {call["id"] for call in tool_calls(conversation)} == results


def test_one_tool_call_has_broken_arguments() -> None:
    calls = [call["function"]["arguments"] for conversation in CONVERSATIONS for call in tool_calls(conversation)]
    assert len([arguments for arguments in calls if not is_json(arguments)]) == 1


def test_tools_are_given_as_schemas_and_as_names() -> None:
    assert {type(tool) for conversation in CONVERSATIONS for tool in conversation["tools"]} == {dict, str}


def test_one_turn_is_longer_than_the_cut_and_still_says_something_beyond_it() -> None:
    [long] = [text for _, text in user_turns() if len(text) > CUT_AT_CHARACTERS]
    assert len(set(long[CUT_AT_CHARACTERS:].split())) > 80


def test_one_user_turn_tries_to_talk_the_classifier_into_a_tag_that_is_not_the_honest_one() -> None:
    [given] = [given for given, text in user_turns() if "ignore all instructions" in text.lower()]
    [text] = [text for of, text in user_turns() if of == given]
    for name in DIMENSIONS:
        [wanted] = set(re.findall(rf"\b{name}=(\w+)", text))
        assert wanted in {tags[name] for tags in HAND_TAGS.values()}
        assert HAND_TAGS[given][name] != wanted


def test_one_user_turn_imitates_every_kind_of_transcript_label() -> None:
    kinds = [set(IMITATED.findall(text)) for _, text in user_turns()]
    assert {"ASSISTANT:", "SYSTEM:", "TOOL_RESULT run_sql:"} in kinds


def test_one_content_is_a_list_of_parts_with_an_image() -> None:
    lists = [
        message["content"]
        for conversation in CONVERSATIONS
        for message in conversation["messages"]
        if isinstance(message["content"], list)
    ]
    assert [[part["type"] for part in parts] for parts in lists] == [["text", "image_url"]]


def test_several_conversations_have_more_than_one_user_turn() -> None:
    assert sum(turns > 1 for turns in Counter(given for given, _ in user_turns()).values()) >= 5


def test_several_conversations_are_very_short() -> None:
    characters = [sum(len(text_of(message)) for message in c["messages"]) for c in CONVERSATIONS]
    assert sum(count <= 60 for count in characters) >= 3


def test_some_conversations_share_a_session() -> None:
    assert max(Counter(conversation["session_id"] for conversation in CONVERSATIONS).values()) >= 3


def test_both_files_together_stay_below_400_kilobytes() -> None:
    assert sum(path.stat().st_size for path in FILES) < 400_000
