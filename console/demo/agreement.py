"""How far the tags agree with the hand-given ones, beside what always answering the commonest value would reach."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """`share` and `commonest_share` are of all `n` hand-tagged generations; one without a tag does not agree."""

    dimension: str
    share: float
    commonest: str
    commonest_share: float
    n: int


def measure(given: Mapping[str, Mapping[str, str]], found: Mapping[str, Mapping[str, object]]) -> list[Agreement]:
    """Hold `found` tags against `given` ones, both by generation id, for each dimension that was tagged by hand."""
    dimensions = sorted({dimension for tags in given.values() for dimension in tags})
    return [_measure(dimension, given, found) for dimension in dimensions]


def _measure(
    dimension: str, given: Mapping[str, Mapping[str, str]], found: Mapping[str, Mapping[str, object]]
) -> Agreement:
    right = {id_: tags[dimension] for id_, tags in given.items() if dimension in tags}
    agreeing = sum(found.get(id_, {}).get(dimension) == value for id_, value in right.items())
    commonest, count = Counter(right.values()).most_common(1)[0]
    return Agreement(
        dimension=dimension,
        share=agreeing / len(right),
        commonest=commonest,
        commonest_share=count / len(right),
        n=len(right),
    )
