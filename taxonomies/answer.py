"""Answer → tags: a model's text is believed only where it is exactly an answer to the taxonomy.

Providers differ in how strictly they enforce a schema, so everything is checked again. A cut answer is never
repaired: `{"department": "sal` is not sales. Errors name dimensions, never text of the answer.
"""

import json
from typing import Any

from taxonomies.errors import InvalidAnswerError, UnreadableAnswerError
from taxonomies.taxonomy import NONE_OF_THESE, Choice, Taxonomy

Tags = dict[str, str | list[str]]

ANSWER_CHARACTERS = 100_000
"""Above the longest right answer: 8 lists of 100 values of 64 characters."""


def read_answer(taxonomy: Taxonomy, text: str) -> Tags:
    """Return the tags that `text`, one JSON object or the same in a code fence, gives.

    Raise UnreadableAnswerError when it is no JSON object, InvalidAnswerError when it breaks the taxonomy.
    """
    if len(text) > ANSWER_CHARACTERS:
        raise UnreadableAnswerError(f"the answer has {len(text):,} characters, more than {ANSWER_CHARACTERS:,}")
    text = text.strip()
    if not text:
        raise UnreadableAnswerError("the answer is empty")
    answer, problem = _decode(_without_fence(text))
    # Raised here, not in the except clause: the decoder's own error holds the whole text and would ride along.
    if problem is not None:
        raise UnreadableAnswerError(problem)
    return read_tags(taxonomy, answer)


def read_tags(taxonomy: Taxonomy, answer: object) -> Tags:
    """Return the tags of an answer that is parsed JSON already: dimensions in taxonomy order, lists without repeats
    and in the order of the values; an empty list is `none_of_these` where that is allowed. Raise as `read_answer`."""
    if not isinstance(answer, dict):
        raise UnreadableAnswerError("the answer is JSON but not an object")
    choices = taxonomy.choices
    tags: Tags = {}
    for name, choice in choices.items():
        if name not in answer:
            raise InvalidAnswerError(f"the answer lacks {name!r}")
        tags[name] = _read_list(name, choice, answer[name]) if choice.several else _read_one(name, choice, answer[name])
    if len(answer) != len(choices):
        raise InvalidAnswerError(f"the answer has {len(answer) - len(choices)} keys that are no dimension")
    return tags


def _read_one(name: str, choice: Choice, given: object) -> str:
    if not isinstance(given, str):
        raise InvalidAnswerError(f"the answer for {name!r} is not one value")
    if given not in choice.positions:
        raise InvalidAnswerError(f"the answer for {name!r} is none of its values")
    return given


def _read_list(name: str, choice: Choice, given: object) -> list[str]:
    if not isinstance(given, list):
        raise InvalidAnswerError(f"the answer for {name!r} is not a list")
    chosen = {_read_one(name, choice, entry) for entry in given}
    if NONE_OF_THESE in chosen and len(chosen) > 1:
        raise InvalidAnswerError(f"the answer for {name!r} gives {NONE_OF_THESE!r} beside other values")
    if not chosen and NONE_OF_THESE in choice.positions:
        return [NONE_OF_THESE]
    return sorted(chosen, key=choice.positions.__getitem__)


def _without_fence(text: str) -> str:
    """Return what stands between a first line like ```json and a last ```, else the text itself."""
    if not (text.startswith("```") and text.endswith("```")):
        return text
    first_line, _, rest = text.partition("\n")
    language = first_line[3:].strip()
    return rest[:-3] if not language or language.isalnum() else text


def _decode(text: str) -> tuple[object, str | None]:
    try:
        return _DECODER.decode(text), None
    except json.JSONDecodeError:
        return None, "the answer is not one whole JSON object"
    except ValueError:
        return None, "the answer repeats a key or holds something that is not JSON"
    except RecursionError:
        return None, "the answer is nested too deep"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a repeated key")
    return found


def _refuse_constant(_: str) -> None:
    raise ValueError("NaN and Infinity are not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant)
