"""What a sender of our own API hears: a result for each, in order, and how many of each kind."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from console.server import errors
from console.server.arrivals import Arrivals, Result
from console.server.ways import Answer


def require_one(arrivals: Arrivals, results: Sequence[Result]) -> None:
    """Raise UnreadableError when what was sent alone is rejected: who sends one looks at the status, not at results."""
    if arrivals.alone and results[0].status == "rejected":
        raise errors.UnreadableError(f"It cannot be recorded: {results[0].reason}")


def told(results: Sequence[Result]) -> dict[str, Any]:
    """Return results as JSON takes them."""
    counted = Counter(one.status for one in results)
    return {
        "results": [{name: value for name, value in asdict(one).items() if value is not None} for one in results],
        **{status: counted[status] for status in ("recorded", "known", "rejected")},
    }


def as_json(found: Mapping[str, Any], *, status: int = 200) -> Answer:
    return Answer(body=json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode(), status=status)
