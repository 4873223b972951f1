"""By what our classifiers' own model calls are known again in a report of them: any one of their marks is enough.

What a gateway hides differs: text, or headers, or both. So each call says it in several places, and here they are read.
A mark is recognised by its form alone; which installation made it, if any, only a worker can tell, by its database.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from api_hooks.wire.contract import OWN_CALL_AGENT, OWN_CALL_HEADER, OWN_CALL_KEY, OWN_CALL_MARK, OWN_CALL_UNSIGNED
from api_hooks.wire.reading import word

_MARK = re.compile(OWN_CALL_MARK)
_LINE = re.compile(rf"\[aftertag own call(?: ({OWN_CALL_MARK}))?\]\s*")
_AGENT = re.compile(rf"{OWN_CALL_AGENT}(?:/({OWN_CALL_MARK})|$)")


def of_turns(turns: list[Any]) -> str | None:
    """The mark in the first line of the system message, never in what a user said: it is first, and the system's."""
    if not turns or turns[0][0] != "system":
        return None
    said: str = turns[0][1]
    return _found(_LINE.fullmatch(said.partition("\n")[0]))


def of_headers(headers: Mapping[str, Any]) -> str | None:
    """The mark in the headers of the call's request, which are read by their names in lower case."""
    return of_field(word(headers, OWN_CALL_HEADER)) or of_agents([word(headers, "user-agent")])


def of_agents(agents: Iterable[Any]) -> str | None:
    """The mark in names of the program that made the call, as a `User-Agent` tells it."""
    marks = [_found(_AGENT.match(agent)) for agent in agents if isinstance(agent, str)]
    found = [mark for mark in marks if mark is not None]
    return next((mark for mark in found if mark != OWN_CALL_UNSIGNED), found[0] if found else None)


def of_metadata(metadata: Mapping[str, Any]) -> str | None:
    """The mark in what the call said of itself for its gateway's records, as OpenRouter keeps its `trace`."""
    return of_field(metadata.get(OWN_CALL_KEY))


def of_field(given: Any) -> str | None:
    """The mark that stands alone in a field of its own; what is no mark there says that the call has one all the same."""
    if not given:
        return None
    return given if isinstance(given, str) and _MARK.fullmatch(given) else OWN_CALL_UNSIGNED


def _found(match: "re.Match[str] | None") -> str | None:
    return None if match is None else match[1] or OWN_CALL_UNSIGNED
