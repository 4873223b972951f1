"""From a bell to a call: claim, load, render, hand over. Whoever rang does not wait for the answer (see `calls`)."""

import time
from collections.abc import Mapping, Sequence
from uuid import UUID, uuid4

import structlog

from classifier_models.question import Question
from taxonomies.errors import TaxonomyError
from worker import errors, transcript
from worker.calls import Asking
from worker.line import Line
from worker.outcomes import Skipped, Waiting
from worker.store import budgets, claims
from worker.store.budgets import Standing
from worker.store.claims import Claimed
from worker.store.connecting import Connection
from worker.store.outcomes import Ended
from worker.store.recording import Key
from worker.versions import LARGER_OUTPUT_TOKENS, OUTPUT_TOKENS, Version

UNREADABLE_WAIT_SECONDS = 300.0

Standings = Mapping[UUID, Standing]

log = structlog.get_logger()


def classify(line: Line, endpoint: str, keys: Sequence[Key]) -> None:
    """Claim what is due among `keys` and hand it to the process's calls; return at once, or wait for room first.

    What has lost all leases but one is asked one at a time, and waited for.
    """
    claimed = _claim_and_ask(line, endpoint, keys)
    if claimed is not None and claimed < len(keys):
        line.last_chances.put(endpoint, keys)
        _give_last_chances(line)


def _claim_and_ask(line: Line, endpoint: str, keys: Sequence[Key], *, last_chance: bool = False) -> int | None:
    """Return how many were claimed, None when there was no coming in.

    What is turned away because too many wait already goes back to its queue, and the sweep rings for what no worker
    takes: of a stopping worker, and last chances, whose one thread must not wait for one endpoint's room.
    """
    places = 1 if last_chance else len(keys)
    if not line.room.enter(endpoint, places, wait=not last_chance):
        if not line.room.is_closed and not last_chance:
            line.ring(endpoint, keys)
        return None
    try:
        asked_by = time.monotonic() + line.settings.wait_seconds
        with line.engine.begin() as connection:
            claimed = _claim(connection, line, endpoint, keys, last_chance)
            standing = budgets.standing_of(connection, sorted({one.classifier_id for one in claimed}))
            versions = _versions(connection, line, claimed)
    except BaseException:
        line.room.leave(endpoint, places)
        raise
    # Several classifiers may ask the same endpoint about one generation: then more is claimed than was rung for.
    line.room.leave(endpoint, places - len(claimed))
    ready = (_prepare(line, one, standing, versions, asked_by) for one in claimed)
    line.ask([one for one in ready if one is not None])
    return len(claimed)


def _give_last_chances(line: Line) -> None:
    """One of them may be what killed the workers before; if it does so again, no other dies with it.

    One thread of a process does this for all; the others leave their bells to it.
    """
    chances = line.last_chances
    with chances.alone() as is_my_turn:
        for endpoint, keys in chances.bells() if is_my_turn else ():
            while chances.begin() and _claim_and_ask(line, endpoint, keys, last_chance=True):
                chances.wait_until_written()


def _claim(connection: Connection, line: Line, endpoint: str, keys: Sequence[Key], last_chance: bool) -> list[Claimed]:
    return claims.claim(
        connection,
        keys,
        endpoint=endpoint,
        token=uuid4(),
        lease_seconds=line.settings.lease_seconds,
        last_chance=last_chance,
    )


def _versions(connection: Connection, line: Line, claimed: Sequence[Claimed]) -> dict[tuple[UUID, int], Version | None]:
    """The versions to ask for; None for one that this release cannot read, so that its neighbours are asked."""
    versions: dict[tuple[UUID, int], Version | None] = {}
    for id_, version in {(one.classifier_id, one.version) for one in claimed}:
        try:
            versions[id_, version] = line.versions.get(connection, id_, version)
        except errors.NotFoundError:
            continue  # erased since
        except TaxonomyError:
            log.error("a classifier's definition is of another release", classifier_id=str(id_), version=version)
            versions[id_, version] = None
    return versions


def _prepare(
    line: Line,
    claimed: Claimed,
    standing: Standings,
    versions: Mapping[tuple[UUID, int], Version | None],
    asked_by: float,
) -> Asking | Ended | None:
    """Return None for what a fault of ours makes impossible to put: it must not cost its neighbours their turn."""
    try:
        return _ask_or_skip(claimed, standing, versions, asked_by)
    except Exception as error:  # noqa: BLE001 - whatever one transcript brings about
        log.error("a classification could not be put; it loses its lease", error=type(error).__name__)
        line.forsake(claimed)
        return None


def _ask_or_skip(
    claimed: Claimed, standing: Standings, versions: Mapping[tuple[UUID, int], Version | None], asked_by: float
) -> Asking | Ended:
    which = (claimed.classifier_id, claimed.version)
    if claimed.classifier_id not in standing or which not in versions:
        return Ended(claimed=claimed, outcome=Skipped(reason="no_classifier"))
    version = versions[which]
    if version is None:
        return Ended(claimed=claimed, outcome=Waiting(reason=None, after_seconds=UNREADABLE_WAIT_SECONDS))
    reason = _why_not(claimed, standing[claimed.classifier_id])
    if reason is not None:
        return Ended(claimed=claimed, outcome=Skipped(reason=reason))
    return Asking(claimed=claimed, question=_question(claimed, version), asked_by=asked_by)


def _why_not(claimed: Claimed, standing: Standing) -> str | None:
    if standing.state != "active":
        return "paused"
    if claimed.turns is None:
        return "text_expired"
    if standing.daily_budget_usd is not None and standing.spent_usd >= standing.daily_budget_usd:
        return "over_budget"
    return None


def _question(claimed: Claimed, version: Version) -> Question:
    """Render the transcript; a try after `shorter_transcript` gets half the room, one after `larger_token_cap` more output."""
    definition = version.definition
    characters = version.characters
    if claimed.change == "shorter_transcript":
        length = sum(min(len(turn[1]), transcript.TURN_CHARACTERS) for turn in claimed.turns or ())
        characters = min(characters, length) // 2
    rendered = transcript.render(
        claimed.turns or (),
        claimed.tools,
        left_out=claimed.left_out,
        prompts_only=definition.read == "prompts",
        characters=characters,
    )
    return Question(
        prepared=version.prepared,
        model=definition.model,
        transcript=rendered.text,
        max_output_tokens=LARGER_OUTPUT_TOKENS if claimed.change == "larger_token_cap" else OUTPUT_TOKENS,
        prompt_cache_key=version.cache_key,
    )
