"""What an operator has to know of the database itself: its version, the days at hand, who asks where, whose text is kept."""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection, text

from worker.store import partitions

LATELY = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An active or paused classifier and the endpoint its present version names."""

    workspace: str
    classifier: str
    endpoint: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextKept:
    """How long a workspace keeps text: days, 0 for "not after classification"."""

    workspace: str
    keep_text_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What the database says of itself. `days_ahead` counts whole days after today that have their partitions.

    `unasked` are workspaces with generations of this week and no classifier, the newest first. `oldest_text_day` is the
    oldest day that has a partition of text.
    """

    version: int
    has_today: bool
    days_ahead: int
    asked: tuple[Asked, ...]
    text_kept: tuple[TextKept, ...]
    unasked: tuple[str, ...]
    oldest_text_day: date | None


def version(connection: Connection) -> int:
    """The server's major version."""
    return int(connection.execute(text("select current_setting('server_version_num')")).scalar_one()) // 10_000


def look(connection: Connection, *, today: date) -> Server:
    """Read it all; needs a migrated database."""
    days = partitions.existing_days(connection)
    asked = connection.execute(
        text("""
        select k.workspace, k.name as classifier, v.endpoint, k.state
        from classifiers k join classifier_versions v on v.classifier_id = k.id and v.version = k.version
        where k.state in ('active', 'paused')
        order by k.workspace, k.name
        """)
    )
    kept = connection.execute(text("select id as workspace, keep_text_days from workspaces order by id"))
    oldest = connection.execute(
        text("""
        select min(child.relname) from pg_inherits join pg_class child on child.oid = inhrelid
        where inhparent = 'transcripts'::regclass
        """)
    ).scalar()
    return Server(
        version=version(connection),
        has_today=today in days,
        days_ahead=sum(day > today for day in days),
        asked=tuple(Asked(**row._mapping) for row in asked),
        unasked=tuple(_unasked(connection, since=today - LATELY)),
        text_kept=tuple(TextKept(**row._mapping) for row in kept),
        oldest_text_day=None if oldest is None else partitions.day_of(oldest),
    )


def _unasked(connection: Connection, *, since: date) -> list[str]:
    """Day by day: one statement over all of them would lock every day that is kept, and find no room where there are many."""
    without_classifier = connection.execute(
        text("""
        select w.id from workspaces w where not exists (select from classifiers k where k.workspace = w.id)
        order by w.created_at desc, w.id
        """)
    )
    ids = list(without_classifier.scalars())
    seen: set[str] = set()
    for day in partitions.days_of(connection, "generations") if ids else ():
        if day >= since:
            seen.update(_with_generations_of(connection, day, ids))
    return [one for one in ids if one in seen]


def _with_generations_of(connection: Connection, day: date, ids: list[str]) -> list[str]:
    partition = partitions.name_of("generations", day)
    found = connection.execute(
        text(f"""
        select id from unnest(cast(:ids as text[])) w (id)
        where exists (select from {partition} g where g.workspace = w.id)
        """),  # noqa: S608 - a name that we made
        {"ids": ids},
    )
    return list(found.scalars())
