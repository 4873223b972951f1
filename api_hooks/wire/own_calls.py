"""By what our classifiers' own model calls are known again in a report of them: any one of their marks is enough.

What a gateway hides differs: text, or headers, or both. So each call says it in several places, and here they are read.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from api_hooks.wire.contract import OWN_CALL_AGENT, OWN_CALL_HEADER, OWN_CALL_KEY, OWN_CALL_LINE
from api_hooks.wire.reading import word

_AGENT = re.compile(rf"{OWN_CALL_AGENT}(/|$)")


def is_told_by_turns(turns: list[Any]) -> bool:
    """Whether the first line of the system message says it, never what a user said: it is first, and the system's."""
    if not turns or turns[0][0] != "system":
        return False
    said: str = turns[0][1]
    return said.partition("\n")[0].rstrip() == OWN_CALL_LINE


def is_told_by_headers(headers: Mapping[str, Any]) -> bool:
    """Whether the headers of the call's request say it, which are read by their names in lower case."""
    return bool(word(headers, OWN_CALL_HEADER)) or is_told_by_agents([word(headers, "user-agent")])


def is_told_by_agents(agents: Iterable[Any]) -> bool:
    """Whether one of these names the program that made the call, as a `User-Agent` does, and it is our classifier."""
    return any(isinstance(agent, str) and _AGENT.match(agent) is not None for agent in agents)


def is_told_by_metadata(metadata: Mapping[str, Any]) -> bool:
    """Whether what the call said of itself for its gateway's records says it, as OpenRouter keeps its `trace`."""
    return bool(metadata.get(OWN_CALL_KEY))
