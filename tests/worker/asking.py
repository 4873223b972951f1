"""What a worker does between claiming and writing, without a model: claims, calls and answers made by hand."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine, text

from classifier_models.reply import CostSource, Usage
from tests.worker.line_stage import EVER
from worker.outcomes import Call, Outcome, Tagged
from worker.store import claims, outcomes
from worker.store.claims import Claimed
from worker.store.outcomes import Ended
from worker.store.recording import Key

LEASE_SECONDS = 60.0


def claim(
    engine: Engine,
    keys: Sequence[Key],
    *,
    endpoint: str = "local",
    token: UUID | None = None,
    lease_seconds: float = LEASE_SECONDS,
    last_chance: bool = False,
) -> list[Claimed]:
    with engine.begin() as connection:
        return claims.claim(
            connection,
            keys,
            endpoint=endpoint,
            token=token or uuid4(),
            lease_seconds=lease_seconds,
            last_chance=last_chance,
        )


def call(
    cost_usd: str | None = None,
    *,
    source: CostSource = "reported",
    tokens: int = 10,
    case: str | None = None,
    **more: Any,
) -> Call:
    """A call that used `tokens` of each kind."""
    usage = Usage(
        prompt_tokens=tokens,
        completion_tokens=tokens,
        cached_tokens=tokens,
        reasoning_tokens=tokens,
        cost_usd=None if cost_usd is None else Decimal(cost_usd),
        cost_source=source,
    )
    return Call(**{"usage": usage, "model": "m-1", "latency_ms": 12.5, "case": case, **more})


def tagged(**tags: str | list[str]) -> Tagged:
    return Tagged(tags=tags, certainty=None)


def write(engine: Engine, claimed: Sequence[Claimed], outcome: Outcome, made: Call | None = None) -> list[Ended]:
    """End all of `claimed` in one way; return what was still current."""
    with engine.begin() as connection:
        return outcomes.write(connection, [Ended(claimed=one, outcome=outcome, call=made) for one in claimed])


def end_leases(engine: Engine) -> int:
    """Let every lease run out, and take the rows back as the sweep does."""
    with engine.begin() as connection:
        connection.execute(
            text("update classifications set lease_until = now() - interval '1 second' where state = 'running'")
        )
        return claims.take_back_lost_leases(connection, EVER).lost


def make_due(engine: Engine) -> None:
    """Let every wait be over."""
    with engine.begin() as connection:
        connection.execute(text("update classifications set due_at = now() where state in ('pending', 'retrying')"))


def ask_again(engine: Engine) -> None:
    """Have everything asked again, as an explicit re-run does: the row keeps what it gave before."""
    with engine.begin() as connection:
        connection.execute(
            text("update classifications set state = 'pending', reason = null, due_at = now(), finished_at = null")
        )
