"""The exports that lie beside these tests, read: their generations, what is left out, and what is bad."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.worker.importing.stage import read
from worker.generation import Generation
from worker.importing import BadLine, LeftOut, Line

EXPORTS = Path(__file__).parents[1] / "exports"


@dataclass(frozen=True, slots=True)
class Found:
    generations: list[Generation]
    left_out: Counter[str]
    bad: list[BadLine]

    @property
    def by_id(self) -> dict[str, Generation]:
        return {one.id: one for one in self.generations}


def found_in(*paths: Path | str) -> Found:
    """What the files hold; a name is that of an export beside these tests."""
    lines = read(*(path if isinstance(path, Path) else EXPORTS / path for path in paths))
    return Found(
        generations=[line.generation for line in lines if isinstance(line, Line)],
        left_out=Counter(line.kind for line in lines if isinstance(line, LeftOut)),
        bad=[line for line in lines if isinstance(line, BadLine)],
    )


def only(*paths: Path | str) -> Generation:
    [one] = found_in(*paths).generations
    return one
