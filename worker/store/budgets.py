"""Whether classifiers may be asked at this moment: their state, their budget of the day, and what of it is spent."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a classifier stands now, whatever its rows' versions say: its state, its budget, and its spend since midnight UTC."""

    state: str
    daily_budget_usd: Decimal | None
    spent_usd: Decimal


def standing_of(connection: Connection, classifier_ids: Sequence[UUID]) -> dict[UUID, Standing]:
    """The present standing of classifiers; those erased since are left out."""
    rows = connection.execute(
        text("""
        select k.id, k.state, cast(v.definition ->> 'daily_budget_usd' as numeric) as daily_budget_usd,
               coalesce(s.cost_usd, 0) as spent_usd
        from classifiers k
        join classifier_versions v on v.classifier_id = k.id and v.version = k.version
        left join classifier_spend s on s.classifier_id = k.id and s.day = (now() at time zone 'utc')::date
        where k.id = any(:ids)
        """),
        {"ids": list(classifier_ids)},
    )
    return {
        row.id: Standing(state=row.state, daily_budget_usd=row.daily_budget_usd, spent_usd=row.spent_usd)
        for row in rows
    }
