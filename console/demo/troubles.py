"""What a demo says when too few of its conversations have tags: the endpoint's part of it, and what to do."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from classifier_models import endpoints
from console.demo.played import Trouble
from worker import reasons

if TYPE_CHECKING:
    from pathlib import Path

    from classifier_models.endpoints import Endpoint
    from taxonomies.definition import ClassifierDefinition

WITHOUT = "or see it without any: `aftertag demo --endpoint local`"


def unreachable(asked: "Endpoint", *, at: str, why: str) -> str:
    """Nobody answers there: nothing was started."""
    known = endpoints.KNOWN.get(asked.name)
    if known is not None and known.base_url == asked.base_url:
        what_to_do = "let this machine reach it (HTTPS_PROXY, where there is a proxy)"
    else:
        what_to_do = f"start its server, or correct its address (AFTERTAG_ENDPOINT_{asked.name.upper()}_URL)"
    return f"Endpoint {asked.name!r} cannot be reached at {at} ({why}): {what_to_do}, {WITHOUT}."


def refused(asked: "ClassifierDefinition", reason: str) -> Trouble:
    """The endpoint wants another key, or money: nothing goes on until the operator has seen to it."""
    known = endpoints.KNOWN.get(asked.endpoint)
    variable = known.key_variable if known else f"AFTERTAG_ENDPOINT_{asked.endpoint.upper()}_KEY"
    if reason == reasons.Reason.QUOTA_EXHAUSTED:
        return Trouble(
            sentence=f"The account at endpoint {asked.endpoint!r} is out of credit ({reason}): add some there, {WITHOUT}."
        )
    return Trouble(
        sentence=f"Endpoint {asked.endpoint!r} refuses the key for {asked.model!r} ({reason}):"
        f" give a valid one in {variable}, {WITHOUT}."
    )


def ended(name: str, log: "Path") -> Trouble:
    """A process of the demo's own is gone."""
    return Trouble(sentence=f"The {name} ended by itself.", log=log)


def late(ends: Sequence[str], *, last_case: str | None, seconds: float, log: "Path") -> Trouble:
    """Time is up; `last_case` is what the last attempt at one of those met that have no end."""
    told = f"Only {ends.count(reasons.TAGGED)} of {len(ends)} generations are tagged after {seconds:g} s"
    case = f" Last case: {last_case}." if last_case else ""
    return Trouble(sentence=f"{told}; {_commonest(ends)}{case}", log=log)


def few_tags(asked: "ClassifierDefinition", ends: Sequence[str]) -> Trouble:
    """All have their end, and for too many it is none in tags."""
    told = f"Only {ends.count('tagged')} of {len(ends)} generations are tagged by {asked.model!r}"
    return Trouble(sentence=f"{told} at endpoint {asked.endpoint!r}; {_commonest(ends)}")


def _commonest(ends: Sequence[str]) -> str:
    counted = Counter(end for end in ends if end != reasons.TAGGED)
    if not counted:
        return "the rest was not recorded."
    (reason, count), *_ = counted.most_common()
    explained = reasons.explain(reason)
    return f"{count} are {reason}: {explained.sentence} {explained.advice}"
