import gc
import json
import weakref
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonomies.answer import ANSWER_CHARACTERS, read_answer, read_tags
from taxonomies.errors import InvalidAnswerError, UnreadableAnswerError
from taxonomies.taxonomy import Taxonomy, parse
from tests.cpu import assert_cost_grows_with_size, least_seconds
from tests.taxonomies.samples import two_dimensions, without_none_of_these

GOOD = '{"department": "legal", "risk": ["fraud", "secrets"]}'
TAGS = {"department": "legal", "risk": ["secrets", "fraud"]}

RIGHT = {
    "plain": (GOOD, TAGS),
    "blanks around": (f"\n  {GOOD} \n", TAGS),
    "pretty": (json.dumps(json.loads(GOOD), indent=4), TAGS),
    "fenced": (f"```json\n{GOOD}\n```", TAGS),
    "fenced without a language": (f"```\n{GOOD}```", TAGS),
    "keys in another order": ('{"risk": ["fraud", "secrets"], "department": "legal"}', TAGS),
    "several with duplicates": ('{"department": "legal", "risk": ["fraud", "secrets", "fraud"]}', TAGS),
    "escaped": ('{"department": "\\u006cegal", "risk": ["fraud", "secrets"]}', TAGS),
    "none of these": (
        '{"department": "none_of_these", "risk": ["none_of_these"]}',
        {"department": "none_of_these", "risk": ["none_of_these"]},
    ),
    "an empty list": ('{"department": "sales", "risk": []}', {"department": "sales", "risk": ["none_of_these"]}),
}

UNREADABLE = {
    "empty": "",
    "blank": " \n ",
    "prose": "The department is legal.",
    "prose before": f"Here you are: {GOOD}",
    "prose after": f"{GOOD} Anything else?",
    "prose after a fence": f"```json\n{GOOD}\n``` Anything else?",
    "two objects": GOOD + GOOD,
    "two fences": f"```\n{GOOD}\n```\n```\n{GOOD}\n```",
    "fence only": "```",
    "empty fence": "```json\n```",
    "truncated in a value": '{"department": "leg',
    "truncated at a value's end": '{"department": "legal", "risk": ["fraud"',
    "truncated in a fence": '```json\n{"department": "legal", "risk": ["fr\n```',
    "deep nesting": "[" * 50_000,
    "huge": " " * ANSWER_CHARACTERS + GOOD,
    "huge number": '{"department": ' + "9" * 90_000 + "}",
    "NaN": '{"department": NaN, "risk": []}',
    "Infinity": '{"department": "legal", "risk": [], "certainty": Infinity}',
    "duplicate keys": '{"department": "legal", "department": "sales", "risk": []}',
    "duplicate keys inside": '{"department": {"a": 1, "a": 2}, "risk": []}',
    "a list": f"[{GOOD}]",
    "null": "null",
    "a string": '"legal"',
    "single quotes": "{'department': 'legal', 'risk': []}",
    "HTML": "<html><body>502 Bad Gateway</body></html>",
}

INVALID = {
    "wrong value": ('{"department": "Legal", "risk": []}', "'department' is none of its values"),
    "wrong value in a list": ('{"department": "legal", "risk": ["sentinel_3f9"]}', "'risk' is none of its values"),
    "missing": ('{"department": "legal"}', "lacks 'risk'"),
    "empty object": ("{}", "lacks 'department'"),
    "extra": ('{"department": "legal", "risk": [], "sentinel_3f9": 1}', "1 keys that are no dimension"),
    "null value": ('{"department": null, "risk": []}', "'department' is not one value"),
    "a list for one value": ('{"department": ["legal"], "risk": []}', "'department' is not one value"),
    "one value for a list": ('{"department": "legal", "risk": "fraud"}', "'risk' is not a list"),
    "an object in a list": ('{"department": "legal", "risk": [{"a": 1}]}', "'risk' is not one value"),
    "a number": ('{"department": 1, "risk": []}', "'department' is not one value"),
    "a value of another dimension": ('{"department": "fraud", "risk": []}', "'department' is none of its values"),
    "none beside others": (
        '{"department": "legal", "risk": ["none_of_these", "fraud"]}',
        "'risk' gives 'none_of_these' beside other values",
    ),
}


@pytest.mark.parametrize("case", RIGHT)
def test_a_right_answer_gives_its_tags(case: str) -> None:
    text, tags = RIGHT[case]
    found = read_answer(two_dimensions(), text)
    assert found == tags
    assert list(found) == ["department", "risk"]


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_is_not_one_whole_object_is_unreadable(case: str) -> None:
    with pytest.raises(UnreadableAnswerError):
        read_answer(two_dimensions(), UNREADABLE[case])


@pytest.mark.parametrize("case", INVALID)
def test_what_breaks_the_taxonomy_is_invalid_and_says_where(case: str) -> None:
    text, problem = INVALID[case]
    with pytest.raises(InvalidAnswerError, match=problem) as raised:
        read_answer(two_dimensions(), text)
    assert not isinstance(raised.value, UnreadableAnswerError)


@pytest.mark.parametrize(
    "text", [f'{GOOD[:-1]}, "sentinel_3f9', '{"sentinel_3f9": 1}', '{"department": "sentinel_3f9"}']
)
def test_no_error_carries_text_of_the_answer(text: str) -> None:
    with pytest.raises(InvalidAnswerError) as raised:
        read_answer(two_dimensions(), text)
    error = raised.value
    assert "sentinel_3f9" not in f"{error!r} {error} {vars(error)}"
    assert error.__context__ is None
    assert error.__cause__ is None


def test_nothing_chosen_stays_an_empty_list_where_none_of_these_is_not_offered() -> None:
    found = read_answer(without_none_of_these(), '{"tone": "warm", "topics": []}')
    assert found == {"tone": "warm", "topics": []}


def test_none_of_these_is_refused_where_it_is_not_offered() -> None:
    for answer in ({"tone": "none_of_these", "topics": []}, {"tone": "warm", "topics": ["none_of_these"]}):
        with pytest.raises(InvalidAnswerError):
            read_tags(without_none_of_these(), answer)


@given(st.text() | st.text(alphabet='{}[]":,` \nabj\\u0', max_size=40).map(lambda text: f"```{text}```"))
def test_any_text_ends_in_tags_or_in_an_invalid_answer(text: str) -> None:
    with pytest.raises(InvalidAnswerError):
        read_answer(two_dimensions(), text)


def test_every_cut_of_a_right_answer_is_refused() -> None:
    for length in range(len(GOOD)):
        with pytest.raises(UnreadableAnswerError):
            read_answer(two_dimensions(), GOOD[:length])


def test_reading_an_answer_costs_no_more_than_five_times_its_decoding() -> None:
    taxonomy = two_dimensions()
    decoding = least_seconds(lambda: [json.loads(GOOD) for _ in range(1_000)])
    reading = least_seconds(lambda: [read_answer(taxonomy, GOOD) for _ in range(1_000)])
    assert reading < 5 * decoding


@pytest.mark.parametrize(
    "text_of",
    [
        lambda size: "```" + "\n" * size + "x```",
        lambda size: "```\n" + " " * size + "```",
        lambda size: "[" * size,
        lambda size: '{"a":' * (size // 5),
        lambda size: '{"a": "' + "\\n" * (size // 2),
    ],
    ids=["a fence of lines", "a fence of blanks", "open lists", "open objects", "escapes without an end"],
)
def test_refusing_a_hostile_answer_costs_no_more_than_its_size(text_of: Callable[[int], str]) -> None:
    taxonomy = two_dimensions()

    def refuse(size: int) -> None:
        text = text_of(size)
        with pytest.raises(UnreadableAnswerError):
            read_answer(taxonomy, text)

    assert_cost_grows_with_size(refuse, size=ANSWER_CHARACTERS - 100)


def test_what_reading_precomputes_goes_with_its_taxonomy() -> None:
    taxonomy: Taxonomy = parse(two_dimensions().model_dump())
    assert taxonomy == two_dimensions()
    read_answer(taxonomy, GOOD)
    assert taxonomy == two_dimensions()
    gone = weakref.ref(taxonomy)
    del taxonomy
    gc.collect()
    assert gone() is None
