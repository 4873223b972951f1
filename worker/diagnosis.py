"""What `doctor` finds: each look is a finding with what to do about it; the first that stops everything ends the round."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

import redis

from classifier_models import reaching
from classifier_models.endpoints import Endpoint
from worker import broker_state
from worker.line_health import STANDSTILL_SECONDS, UNSWEPT_SECONDS, duration
from worker.store import engine as engines
from worker.store import line_state, locks, migrations, server
from worker.store.line_state import LineState
from worker.store.locks import Locks
from worker.store.retention import UNREAD_TEXT_DAYS
from worker.store.server import Server

if TYPE_CHECKING:
    from worker.store.connecting import Engine

POSTGRES_VERSIONS = range(15, 19)
OLDEST_REDIS = (6, 2)
CLOCK_SECONDS = 2.0
TEXT_GRACE_DAYS = 2


class Severity(StrEnum):
    """A problem makes `doctor` end with 1; a note is for the operator to know."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at: what was found, and what to do when it is not as it should be."""

    subject: str
    severity: Severity
    found: str
    advice: str | None = None


def ok(subject: str, found: str) -> Finding:
    return Finding(subject=subject, severity=Severity.OK, found=found)


def note(subject: str, found: str, advice: str | None = None) -> Finding:
    return Finding(subject=subject, severity=Severity.NOTE, found=found, advice=advice)


def problem(subject: str, found: str, advice: str) -> Finding:
    return Finding(subject=subject, severity=Severity.PROBLEM, found=found, advice=advice)


def of_postgres(
    engine: "Engine", *, endpoints: Mapping[str, Endpoint], now: datetime, keys: bool = False
) -> Iterator[Finding]:
    """Look at Postgres and at what stands in it; `keys` says of each endpoint whether it has a key, without a call.

    Raises what the driver raises when Postgres does not answer.
    """
    with engine.connect() as connection:
        version = server.version(connection)
    if version in POSTGRES_VERSIONS:
        yield ok("PostgreSQL", f"It answers; version {version}.")
    else:
        supported = f"{POSTGRES_VERSIONS[0]} to {POSTGRES_VERSIONS[-1]}"
        yield problem("PostgreSQL", f"It answers, with version {version}.", f"Use PostgreSQL {supported}.")
    yield of_clock("Clock of PostgreSQL", clock_offset_seconds(lambda: engines.clock_seconds(engine)))
    schema = of_schema(migrations.current(engine), migrations.head())
    yield schema
    if schema.severity is Severity.PROBLEM:
        return
    with engines.reading(engine) as connection:
        found, line = server.look(connection, today=now.date()), line_state.look(connection)
        room_for_locks = locks.look(connection)
    yield of_days(found)
    yield of_locks(room_for_locks)
    has_local_model = find_spec("sklearn") is not None
    yield from of_endpoints(found, endpoints, keys=keys, has_local_model=has_local_model)
    yield of_workers(line)
    yield from of_workspaces(found)
    yield of_text(found, today=now.date())


def of_schema(current: str | None, head: str) -> Finding:
    if current == head:
        return ok("Schema", f"It is at {head}, which this release needs.")
    return problem("Schema", f"It is at {current or 'nothing'}; this release needs {head}.", "Run `aftertag migrate`.")


def clock_offset_seconds(ask: Callable[[], float], *, clock: Callable[[], float] = time.time) -> float:
    """Return how far the clock that `ask` reads is ahead of this machine's, at the least: between the question and the
    answer it may have been read at any moment, and a slow connection is no wrong clock."""
    before = clock()
    theirs = ask()
    return min(theirs - before, 0.0) + max(theirs - clock(), 0.0)


def of_clock(subject: str, offset_seconds: float) -> Finding:
    direction = "ahead of" if offset_seconds > 0 else "behind"
    found = f"It is {abs(offset_seconds):.1f} s {direction} this machine's."
    if abs(offset_seconds) <= CLOCK_SECONDS:
        return ok(subject, found)
    return problem(subject, found, "Let both machines set their clocks by NTP: times and draws of days depend on them.")


def of_days(found: Server) -> Finding:
    if found.has_today and found.days_ahead >= 1:
        return ok("Days", f"Today and {found.days_ahead} days ahead have their partitions.")
    what = "Tomorrow has" if found.has_today else "Today has"
    return problem(
        "Days", f"{what} no partitions yet.", "Run `aftertag beat` and a worker: upkeep makes them every few minutes."
    )


def of_locks(found: Locks) -> Finding:
    if found.of_all_days <= found.room / 2:
        return ok("Locks", f"There is room for {found.room}; SQL over all {found.days} days takes {found.of_all_days}.")
    told = (
        f"{found.days} days are kept; SQL over all of them takes up to {found.of_all_days} locks, and the server has"
        f" {found.room} for everyone."
    )
    advice = (
        f"Set max_locks_per_transaction to {found.wanted} and restart PostgreSQL, or keep fewer days"
        " (AFTERTAG_KEEP_DAYS): where none is left, statements of all stop with `out of shared memory`."
    )
    # Our own statements go from span to span; two that look through one table are enough to stop everyone.
    far = found.of_one_table > found.room / 2
    return problem("Locks", told, advice) if far else note("Locks", told, advice)


def of_endpoints(
    found: Server, endpoints: Mapping[str, Endpoint], *, keys: bool, has_local_model: bool = True
) -> Iterator[Finding]:
    told = ", ".join(f"{name} ({_key(endpoint)})" if keys else name for name, endpoint in endpoints.items())
    yield ok("Endpoints", f"Configured here: {told}.")
    for one in found.asked:
        if one.endpoint not in endpoints:
            yield note(
                "Endpoints",
                f"Classifier {one.classifier!r} of workspace {one.workspace!r} asks endpoint {one.endpoint!r},"
                " which is not configured here.",
                f"See that the workers have its key or address (AFTERTAG_ENDPOINT_{one.endpoint.upper()}_URL).",
            )
        elif endpoints[one.endpoint].dialect == "local" and not has_local_model:
            yield note(
                "Endpoints",
                f"Classifier {one.classifier!r} of workspace {one.workspace!r} asks the built-in model, and scikit-learn"
                " is not installed here.",
                "Workers without it leave these classifications waiting: `pip install 'aftertag[local]'` for them.",
            )


def of_reach(endpoints: Mapping[str, Endpoint]) -> Iterator[Finding]:
    """Ask every endpoint's server for any answer; no model is asked."""
    for name, endpoint in endpoints.items():
        why = reaching.problem(endpoint)
        if why is not None:
            address = f"AFTERTAG_ENDPOINT_{name.upper()}_URL"
            yield problem(
                "Endpoints",
                f"No answer from {name!r} at {reaching.where(endpoint)} ({why}).",
                f"Start its server, or correct its address ({address}).",
            )


def _key(endpoint: Endpoint) -> str:
    return "no key needed" if endpoint.dialect == "local" else "key set" if endpoint.api_key else "no key"


def of_workers(line: LineState) -> Finding:
    since = line.seconds_since_completion
    last = "nothing completed lately" if since is None else f"last completion {duration(since)} ago"
    wait = line.oldest_wait_seconds
    if wait is not None and wait > STANDSTILL_SECONDS and (since is None or since > STANDSTILL_SECONDS):
        return problem(
            "Workers",
            f"Due: {line.due}, the oldest for {duration(wait)}; {last}.",
            "Start `aftertag worker` and `aftertag beat`, with the endpoint's key in the worker's environment.",
        )
    waits = f"Due: {line.due}" if line.due else "Nothing is due"
    return ok("Workers", f"{waits}; {last}.")


def of_workspaces(found: Server) -> Iterator[Finding]:
    """Who can write to Redis is trusted for every workspace, and a name of a hook's that is mistyped makes one."""
    if found.unasked:
        shown = ", ".join(map(repr, found.unasked[:20])) + (", …" if len(found.unasked) > 20 else "")
        yield note(
            "Workspaces",
            f"Generations come in, and nobody is asked about them (no classifier): {shown}.",
            "Run `aftertag classifier create`; or where a hook's AFTERTAG_WORKSPACE is mistyped, correct it there, and"
            " `aftertag erase --workspace NAME` what came in.",
        )


def of_text(found: Server, *, today: date) -> Finding:
    if not found.text_kept:
        return note("Text", "There is no workspace yet.", "Run `aftertag workspace create NAME`.")
    longest = max(one.keep_text_days or UNREAD_TEXT_DAYS for one in found.text_kept)
    kept = [f"{one.workspace} {_kept(one.keep_text_days)}" for one in found.text_kept[:20]]
    told = f"Kept by workspace: {', '.join(kept)}{', …' if len(found.text_kept) > 20 else ''}."
    age = 0 if found.oldest_text_day is None else (today - found.oldest_text_day).days
    if age > longest + TEXT_GRACE_DAYS:
        return note(
            "Text",
            f"{told} The oldest day of text is {age} days old.",
            "Fine where old generations were imported lately; else see that `aftertag beat` and a worker run upkeep.",
        )
    return ok("Text", told)


def _kept(days: int) -> str:
    return "not after classification" if days == 0 else "1 day" if days == 1 else f"{days} days"


def of_redis(client: "redis.Redis", *, alive_seconds: float) -> Iterator[Finding]:
    """Look at Redis; a question that it does not allow is a note. `alive_seconds`: see `broker_state.look`."""
    try:
        client.ping()
    except redis.RedisError as error:
        yield problem(
            "Redis",
            f"It does not answer ({type(error).__name__}).",
            "Start it, or point AFTERTAG_REDIS_URL at the right one; hooks drop generations meanwhile and count them.",
        )
        return
    yield of_redis_version(_asked(lambda: client.info("server").get("redis_version")))
    yield of_eviction(
        _asked(lambda: cast(dict[str, Any], client.config_get("maxmemory-policy")).get("maxmemory-policy"))
    )
    offset_seconds = _asked(lambda: clock_offset_seconds(lambda: broker_state.clock_seconds(client)))
    if offset_seconds is not None:
        yield of_clock("Clock of Redis", offset_seconds)
    yield of_life(broker_state.look(client, endpoints=(), alive_seconds=alive_seconds))


def of_life(found: broker_state.BrokerState) -> Finding:
    swept = found.swept_seconds_ago
    if found.workers is None:
        return note("Signs of life", "Redis does not tell who is there.", "Look whether a worker and the beat run.")
    if found.workers == 0:
        return problem("Signs of life", "No worker gives one.", "Start `aftertag worker`, as many as you like.")
    if swept is None or swept > UNSWEPT_SECONDS:
        last = "never" if swept is None else f"{duration(swept)} ago"
        return problem("Signs of life", f"Workers: {found.workers}; last sweep: {last}.", "Start one `aftertag beat`.")
    return ok("Signs of life", f"Workers: {found.workers}; last sweep {duration(swept)} ago.")


def of_redis_version(told: str | None) -> Finding:
    if told is None:
        return note("Redis", "It answers and does not tell its version.", "Make sure that it is 6.2 or later.")
    parts = tuple(int(part) for part in told.split(".")[:2] if part.isdigit())
    if parts >= OLDEST_REDIS:
        return ok("Redis", f"It answers; version {told}.")
    return problem("Redis", f"It answers, with version {told}.", "Use Redis 6.2 or later.")


def of_eviction(policy: str | None) -> Finding:
    if policy is None:
        return note("Eviction", "Redis does not tell its maxmemory-policy.", "Make sure that it is noeviction.")
    if policy == "noeviction":
        return ok("Eviction", "Redis evicts nothing.")
    return problem(
        "Eviction",
        f"Redis' maxmemory-policy is {policy!r}: when full it loses generations unseen.",
        "Set maxmemory-policy to noeviction: then a full Redis refuses, and hooks count what they drop.",
    )


def _asked(question: Any) -> Any:
    try:
        return question()
    except redis.RedisError:
        return None
