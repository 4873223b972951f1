"""How a demo ended: what was tagged, why the rest was not, and what to do when that is too little."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from console.demo.agreement import Agreement

TAGGED_AT_LEAST = 0.9
"""A real model may refuse or fail on a few of the conversations; the coverage says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why there are too few tags and what to do, in a sentence or two; `log` has more where that helps."""

    sentence: str
    log: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What became of the conversations; `reasons` counts those without tags, `trouble` is None when enough have some."""

    generations: int
    tagged: int
    reasons: dict[str, int]
    seconds: float
    classifier: str
    dimensions: tuple[str, ...]
    agreement: Sequence[Agreement]
    tags: dict[str, dict[str, Any]]
    openings: dict[str, str] = field(repr=False)
    trouble: Trouble | None

    def to_json(self) -> dict[str, Any]:
        return {
            "generations": self.generations,
            "tagged": self.tagged,
            "reasons": self.reasons,
            "seconds": round(self.seconds, 2),
            "classifier": self.classifier,
            "agreement": {
                one.dimension: {
                    "share": round(one.share, 4),
                    "commonest_share": round(one.commonest_share, 4),
                    "n": one.n,
                }
                for one in self.agreement
            },
            "tags": [{"id": id_, "tags": tags} for id_, tags in sorted(self.tags.items())],
        }
