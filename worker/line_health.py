"""Whether the line keeps up: HEALTHY, DEGRADED or OVERLOADED, and why, from what Postgres and Redis say."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from worker import queues

if TYPE_CHECKING:  # every `aftertag --help` reads the rules, and needs neither Redis nor Postgres for it
    from worker.broker_state import BrokerState
    from worker.store.line_state import LineState

OVERDUE_SECONDS = 300.0
STANDSTILL_SECONDS = 60.0
RECORD_BATCHES = 500
UNSWEPT_SECONDS = 120.0

REFUSED_REQUESTS = "requests_"
"""What the reasons of losses begin with that count requests to the HTTP server, and not generations."""

NO_LOSSES = frozenset({"no_generation"})
"""What hooks count beside their losses, and nothing was lost with: answers that were none, such as counts of tokens."""

RULES = f"""OVERLOADED: a classification has been due for more than {OVERDUE_SECONDS / 60:.0f} minutes, or more than \
{RECORD_BATCHES} batches wait to be recorded.
DEGRADED: something has been due for more than {STANDSTILL_SECONDS:.0f} s, or is being retried, and nothing was completed in \
that time; \
no worker gives a sign of life, or nobody has swept for {UNSWEPT_SECONDS:.0f} s; \
classifications wait on the operator (key refused, credit gone); hooks lost generations today, or the server refused \
requests that may not be sent again; messages were rejected or \
set aside today; Redis does not answer.
HEALTHY: none of these."""


class Health(StrEnum):
    """From best to worst, except that OVERLOADED stands before DEGRADED where both are true."""

    HEALTHY = "HEALTHY"
    DEGRADED = "DEGRADED"
    OVERLOADED = "OVERLOADED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The line's health and a sentence for each thing that is not as it should be."""

    health: Health
    because: tuple[str, ...]


def judge(line: "LineState", broker: "BrokerState") -> Verdict:
    """Apply RULES."""
    overloaded = _overload(line, broker)
    degraded = [*_standstill(line), *_absent(broker), *_operator(line), *_losses(line, broker)]
    health = Health.OVERLOADED if overloaded else Health.DEGRADED if degraded else Health.HEALTHY
    return Verdict(health=health, because=(*overloaded, *degraded))


def _overload(line: "LineState", broker: "BrokerState") -> list[str]:
    found = [
        f"Due at endpoint {one.endpoint!r}: {one.due}, the oldest for {duration(one.oldest_wait_seconds)};"
        " start more workers, or look at the endpoint's limits."
        for one in line.waiting
        if one.oldest_wait_seconds is not None and one.oldest_wait_seconds > OVERDUE_SECONDS
    ]
    batches = broker.depths.get(queues.RECORD, 0)
    if batches > RECORD_BATCHES:
        found.append(f"Batches that wait to be recorded: {batches}; start more workers, or look at PostgreSQL's load.")
    return found


def _standstill(line: "LineState") -> list[str]:
    wait, since = line.oldest_wait_seconds, line.seconds_since_completion
    if since is not None and since <= STANDSTILL_SECONDS:
        return []
    last = "nothing was completed yet" if since is None else f"nothing was completed for {duration(since)}"
    found = [
        f"Retried at endpoint {one.endpoint!r}: {one.retrying}, and {last}; see `aftertag doctor --probe`, and `aftertag why`"
        " of one of them."
        for one in line.waiting
        if one.retrying
    ]
    if wait is not None and wait > STANDSTILL_SECONDS:
        found.append(f"Due: {line.due}, and {last}; look whether a worker and the beat are running.")
    return found


def _absent(broker: "BrokerState") -> list[str]:
    swept = broker.swept_seconds_ago
    if broker.workers is None:
        return []
    if broker.workers == 0:
        return ["No worker gives a sign of life; start `aftertag worker`."]
    if swept is None or swept > UNSWEPT_SECONDS:
        last = "Nobody has swept yet" if swept is None else f"Nobody has swept for {duration(swept)}"
        return [f"{last}: bells that got lost are not rung again; start `aftertag beat`."]
    return []


def _operator(line: "LineState") -> list[str]:
    advice = {"auth_failed": "it refuses our key; give the workers a valid one", "quota_exhausted": "add credit there"}
    return [
        f"Waiting on endpoint {endpoint!r} ({reason}): {rows}; {advice.get(reason, 'see `aftertag why`')}."
        for (endpoint, reason), rows in line.for_operator.items()
    ]


def _losses(line: "LineState", broker: "BrokerState") -> list[str]:
    found = [_loss(reason, lost) for reason, lost in sorted(line.losses.items()) if reason not in NO_LOSSES]
    if line.set_aside_today:
        found.append(f"Set aside today: {line.set_aside_today}; see `aftertag set-aside list`.")
    if broker.rejected:
        found.append(f"Rejected and not set aside yet: {broker.rejected}; the next sweep does that.")
    if broker.problem:
        found.append(f"{broker.problem[:-1]}; nothing can be recorded until it does.")
    return found


def _loss(reason: str, lost: int) -> str:
    if reason.startswith(REFUSED_REQUESTS):
        why = reason.removeprefix(REFUSED_REQUESTS)
        return (
            f"Requests refused today that may not be sent again: {lost} ({why}); the log of `aftertag serve` says why."
        )
    return f"Lost today: {lost} ({reason})."


def duration(seconds: float | None) -> str:
    """Return a length of time for people: 45 s, 7 min, 3.2 h, 2.5 days; `-` for None."""
    if seconds is None:
        return "-"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7_200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} days"
