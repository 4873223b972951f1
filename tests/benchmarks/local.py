"""How often the local model is right: with examples drawn from a labelled file, on the rest of that file.

The draw is `random.Random(seed)` shuffling each value's rows, values in alphabetical order, seeds 0 to 9; the figures
are means over the seeds. The model is told the values' names and the drawn examples, no descriptions.
"""

import argparse
import json
import os
import random
import re
from pathlib import Path
from statistics import mean

from classifier_models import local
from taxonomies.taxonomy import Dimension, Taxonomy, Value

TITLE = "The local model: share of right answers (mean of ten draws)"
SEEDS = range(10)
REPOSITORY = Path(__file__).resolve().parents[2]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    given = os.environ.get("AFTERTAG_DATA_SAMPLES")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(given) if given else REPOSITORY.parent / "shared" / "data",
        help="directory with nlu_scenarios.jsonl and support_tickets_insurance.jsonl (AFTERTAG_DATA_SAMPLES)",
    )


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the mean share of right answers per file, and the worst draw's."""
    if not arguments.data.is_dir():
        raise SystemExit(f"There are no samples at {arguments.data}: name their directory with --data.")
    nlu = _shares(arguments.data / "nlu_scenarios.jsonl", "nlu_scenario", examples=5)
    tickets = _shares(arguments.data / "support_tickets_insurance.jsonl", "insurance_ticket_category", examples=3)
    return {
        "nlu": round(mean(nlu), 3),
        "tickets": round(mean(tickets), 3),
        "nlu_worst": round(min(nlu), 3),
        "tickets_worst": round(min(tickets), 3),
    }


def _shares(path: Path, dimension: str, *, examples: int) -> list[float]:
    rows = _rows(path, dimension)
    return [_share(rows, dimension, examples=examples, seed=seed) for seed in SEEDS]


def _rows(path: Path, dimension: str) -> dict[str, list[str]]:
    """Return the texts of each value."""
    rows: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        value = re.sub(r"[^a-z0-9]+", "_", row["labels"][dimension].lower()).strip("_")
        rows.setdefault(value, []).append(row["messages"][0]["content"])
    return rows


def _share(rows: dict[str, list[str]], dimension: str, *, examples: int, seed: int) -> float:
    draw = random.Random(seed)
    values: list[Value] = []
    rest: list[tuple[str, str]] = []
    for name in sorted(rows):
        texts = draw.sample(rows[name], len(rows[name]))
        values.append(Value(name=name, examples=tuple(text[:500] for text in texts[:examples])))
        rest += [(text, name) for text in texts[examples:]]
    taxonomy = Taxonomy(dimensions=(Dimension(name=dimension, values=tuple(values)),))
    right = [local.classify(taxonomy, f"USER: {text}")[dimension] == name for text, name in rest]
    return mean(map(float, right))
