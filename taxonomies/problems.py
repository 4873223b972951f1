"""Pydantic's errors as lines a person can act on: `dimensions[2].values[0].name: what is wrong; what to do`."""

from collections.abc import Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from taxonomies.wording import quoted

MOST_SHOWN = 20


def lines(error: ValidationError) -> list[str]:
    """Return one line per problem, at most 20 and a count of the rest."""
    found = [_line(details) for details in error.errors(include_url=False)]
    if len(found) > MOST_SHOWN:
        return [*found[:MOST_SHOWN], f"and {len(found) - MOST_SHOWN} more; correct these first"]
    return found


def path(location: tuple[int | str, ...]) -> str:
    """Return ("dimensions", 2, "name") as `dimensions[2].name`; the document itself is `(document)`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return text.removeprefix(".") or "(document)"


def _line(details: ErrorDetails) -> str:
    return f"{path(details['loc'])}: {_sentence(details)}"


def _sentence(details: ErrorDetails) -> str:
    context: Mapping[str, object] = details.get("ctx", {})
    found = quoted(details["input"])
    match details["type"]:
        case "missing":
            return "is missing; add it"
        case "extra_forbidden":
            return "is not a key known here; remove it or correct its spelling"
        case "string_type":
            return (
                f"{found} is not text; write text (YAML reads yes, no, on, off, numbers and dates as such: quote them)"
            )
        case "too_short" | "string_too_short":
            return "is empty; write some text"
        case "too_long" | "string_too_long" if isinstance(details["input"], str):
            return f"is longer than {context['max_length']} characters; shorten it"
        case "too_long":
            return f"has more than {context['max_length']} entries; remove some"
        case "tuple_type" | "list_type":
            return f"{found} is not a list; write a list"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{found} is not a mapping; write keys and values"
        case "bool_type":
            return f"{found} is neither true nor false; write one of them"
        case "float_type" | "int_type" | "decimal_type" | "decimal_parsing":
            return f"{found} is not a number; write a number"
        case _:
            return _as_pydantic_says(details)


def _as_pydantic_says(details: ErrorDetails) -> str:
    if details["type"] == "aftertag":
        return details["msg"]
    demand = details["msg"].replace("Decimal input", "Input").replace("Input should", "it must")
    return f"{quoted(details['input'])} does not do; {demand}"
