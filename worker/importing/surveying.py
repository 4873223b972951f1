"""What exports hold, before anything is written: how many rows, which days, what is bad, what classifying would cost."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from classifier_models import prices
from taxonomies.definition import ClassifierDefinition
from worker import own_calls, sampling, transcript
from worker.generation import Generation
from worker.importing.formats import LeftOut
from worker.importing.lines import BadLine, lines
from worker.importing.recognising import Exports
from worker.sampling import Standing
from worker.store import classifiers
from worker.store.connecting import Engine

BAD_KEPT = 10_000
KINDS_AT_MOST = 50
ANSWER_TOKENS = 60  # what an answer of a few tags costs, for the estimate


@dataclass(slots=True, kw_only=True)
class Survey:
    """What the files hold. `lines` are all: the generations to be, what is `left_out` by its kind, and the bad ones.

    Of the bad ones the first 10,000 are kept: a file may be nothing else.
    """

    lines: int = 0
    days: set[date] = field(default_factory=set)
    bad: list[BadLine] = field(default_factory=list)
    bad_lines: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    without_text: int = 0
    asked: Counter[str] = field(default_factory=Counter)  # classifications to be, by "classifier model"
    cost_usd: Decimal = Decimal(0)
    unpriced: int = 0  # classifications whose model has no known price

    @property
    def generations(self) -> int:
        return self.lines - self.bad_lines - self.left_out.total()


def survey(engine: Engine, exports: Exports, *, workspace: str | None, classify: bool) -> Survey:
    """Read the files once: how many lines, which days, which lines are bad, and what classifying would cost."""
    found = Survey()
    standings: dict[str, list[Standing]] = {}
    with engine.connect() as connection:
        for line in lines(exports, workspace=workspace):
            found.lines += 1
            if isinstance(line, BadLine):
                found.bad_lines += 1
                found.bad += [line] if len(found.bad) < BAD_KEPT else []
                continue
            if isinstance(line, LeftOut):
                is_shown = line.kind in found.left_out or len(found.left_out) < KINDS_AT_MOST
                found.left_out[line.kind if is_shown else "other"] += 1
                continue
            found.days.add(line.generation.created_at.date())
            found.without_text += not line.generation.turns
            name = line.generation.workspace
            if classify and name not in standings:
                standings |= {name: []} | classifiers.standings(connection, [name])
            _estimate(found, line.generation, standings.get(name, []))
    return found


def _estimate(found: Survey, one: Generation, standings: Sequence[Standing]) -> None:
    if own_calls.mark_of(one) is not None:
        return
    for standing, placed in zip(standings, sampling.place(one, standings, unasked=None), strict=False):
        definition = standing.definition
        if placed.reason is not None or definition is None:
            continue
        found.asked[definition.model] += 1
        characters = sum(min(len(text), transcript.TURN_CHARACTERS) for _, text, _, _ in one.turns)
        cost = _price(definition, (characters + _prompt_characters(definition)) // transcript.CHARACTERS_PER_TOKEN)
        if cost is None:
            found.unpriced += 1
        else:
            found.cost_usd += cost


def _price(definition: ClassifierDefinition, prompt_tokens: int) -> Decimal | None:
    if definition.endpoint == "local":
        return Decimal(0)
    return prices.estimate(
        definition.model,
        definition.endpoint,
        prompt_tokens=prompt_tokens,
        completion_tokens=ANSWER_TOKENS,
        cached_tokens=0,
        cache_write_tokens=0,
    )


def _prompt_characters(definition: ClassifierDefinition) -> int:
    return len(definition.prompt) + 2 * len(definition.taxonomy.model_dump_json())
