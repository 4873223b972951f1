"""The one way into Postgres for every route: check documents, record them in shared transactions, say what became of each."""

import asyncio
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from console.server import checking, errors
from console.server.arrivals import Arrivals, Checked, Result
from console.server.recorders import FullError, Outcome, Recorders, at_once
from console.server.sharing import SharedThreads
from worker import recording_feedback, setting_aside
from worker.feedback import Feedback
from worker.generation import Generation
from worker.outage import PostgresAwayError
from worker.recorder import Recorder
from worker.setting_aside import Rejected
from worker.store.keys import Bearer

ANSWER_SECONDS = 15.0
"""How long a request waits to be read, and then to be recorded; after that it is told to come back with the same ids."""

OTHER_WORKSPACE = "other_workspace"
"""The loss that is counted where a sender that reads no results names another workspace than its key's."""

READING_THREADS = 4
SLOW_READING_THREADS = 28
"""Beside them, for what is slow: a slow AFTERTAG_REDACT, or a body of 20 MB."""

READING_THREADS_OF_ONE = 2
"""How many of both one workspace has at once: fourteen with slow texts hold up nobody else."""

WRITING_THREADS = 2
"""For what is rare beside generations: feedback, losses, what is set aside."""

Done = TypeVar("Done")


class Intake:
    """Reads bodies and records what is in them, off the event loop: on threads of its own, bounded in number.

    Workspaces share them (see `SharedThreads`), and no request waits for them longer than `answer_seconds`. There is one
    in each of a server's `processes`.
    """

    def __init__(self, recorder: Recorder, *, processes: int = 1, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._recorder = recorder
        self._recorders = Recorders(recorder, at_once=at_once(processes))
        self._answer_seconds = answer_seconds
        self._reading = SharedThreads(
            READING_THREADS, slow=SLOW_READING_THREADS, most_of_one=READING_THREADS_OF_ONE, name="reading"
        )
        self._writing = SharedThreads(WRITING_THREADS, most_of_one=1, name="writing")

    def start(self) -> None:
        self._recorders.start()

    def stop(self, *, within_seconds: float) -> None:
        """End the threads once they are done; every request has been answered by now."""
        self._recorders.stop(within_seconds=within_seconds)
        self._reading.stop()
        self._writing.stop()

    async def read(self, step: Callable[[], Done], *, owner: Hashable) -> Done:
        """Return what `step` makes of a body, on a reading thread: JSON of 20 MB would hold the event loop for a second.

        Raise NotNowError when it takes too long, as a slow AFTERTAG_REDACT may: nothing is recorded then.
        """
        try:
            return await self._reading.run(step, owner=owner, within_seconds=self._answer_seconds)
        except TimeoutError:
            raise errors.NotNowError(
                "Reading and redacting it takes too long; send it again in a moment, or smaller batches."
            ) from None

    def check(self, arrivals: Arrivals, *, bearer: Bearer) -> list[Checked]:
        """Check what came, documents first, then feedback; for a reading thread."""
        recorder, now = self._recorder, datetime.now(UTC)
        return checking.check(arrivals, bearer=bearer, now=now, past=recorder.past, redaction=recorder.redaction)

    async def record(self, arrivals: Arrivals, *, bearer: Bearer) -> list[Result]:
        """Check and record what came; return a result for each, in order, after the commit.

        Raise NotNowError when Postgres is away or too much waits: then the caller comes back with the same ids.
        """
        checked = await self.read(lambda: self.check(arrivals, bearer=bearer), owner=bearer.workspace)
        return await self.finish(arrivals, checked, owner=bearer.workspace)

    async def finish(self, arrivals: Arrivals, checked: Sequence[Checked], *, owner: Hashable) -> list[Result]:
        """Record what was checked before, as `record` does."""
        outcomes = iter(await self._recorded([one.found for one in checked if isinstance(one.found, Generation)]))
        noted = iter(await self._noted([one.found for one in checked if isinstance(one.found, Feedback)], owner=owner))
        results, rejected, foreign = [], [], 0
        for one in checked:
            outcome = _outcome(one, outcomes=outcomes, noted=noted)
            if isinstance(outcome, Rejected):
                results.append(Result(id=one.id, status="rejected", reason=outcome.error))
                rejected += [] if one.foreign else [outcome]
                foreign += one.foreign
            else:
                results.append(Result(id=one.id, status=outcome))
        if arrivals.kept_when_rejected:
            await self._keep(
                rejected, {**arrivals.dropped, **({OTHER_WORKSPACE: foreign} if foreign else {})}, owner=owner
            )
        elif self._recorder.redaction is not None and self._recorder.redaction.has_losses:
            await self._keep((), {}, owner=owner)
        return results

    async def count_lost(self, losses: Mapping[str, int]) -> None:
        """Write losses down where the operator sees them. Raise NotNowError when Postgres is away."""
        await self._keep((), losses, owner=None)

    async def _recorded(self, generations: Sequence[Generation]) -> list[Outcome]:
        try:
            put = self._recorders.put(generations)
            return await asyncio.wait_for(asyncio.wrap_future(put), self._answer_seconds)
        except FullError:
            raise errors.NotNowError("Too much waits to be recorded; send it again in a moment.") from None
        except (PostgresAwayError, TimeoutError):
            raise _away() from None

    async def _noted(self, feedback: Sequence[Feedback], *, owner: Hashable) -> list[Outcome]:
        if not feedback:
            return []
        new, refused = await self._write(lambda: recording_feedback.record(self._recorder, feedback), owner=owner)
        found: list[Outcome] = []
        for place, one in enumerate(feedback):
            found.append(refused.get(place) or ("recorded" if one.key in new else "known"))
            new.discard(one.key)
        return found

    async def _keep(self, rejected: Sequence[Rejected], dropped: Mapping[str, int], *, owner: Hashable) -> None:
        today = datetime.now(UTC).date()

        def keep() -> None:
            setting_aside.set_all_aside(self._recorder, rejected, dropped, day=today)

        if rejected or dropped or self._recorder.redaction is not None:
            await self._write(lambda: self._recorder.patience.outlast(keep), owner=owner)

    async def _write(self, step: Callable[[], Done], *, owner: Hashable) -> Done:
        try:
            return await self._writing.run(step, owner=owner, within_seconds=self._answer_seconds)
        except (PostgresAwayError, TimeoutError):
            raise _away() from None


def _outcome(one: Checked, *, outcomes: Iterator[Outcome], noted: Iterator[Outcome]) -> Outcome:
    match one.found:
        case Generation():
            return next(outcomes)
        case Feedback():
            return next(noted)
        case None if one.kind == "feedback":
            return recording_feedback.refusal(one.given, one.reason)
        case None:
            workspace = one.given.get("workspace") if isinstance(one.given, dict) else None
            return Rejected(document=one.given, workspace=workspace, error=one.reason)


def _away() -> errors.NotNowError:
    return errors.NotNowError("The database is away; send it again with the same ids, which records nothing twice.")
