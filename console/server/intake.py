"""The one way into Postgres for every route: check documents, record them in shared transactions, say what became of each."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TypeVar

from console.server import checking, errors
from console.server.arrivals import Arrivals, Checked, Result, Unusable
from console.server.recorders import FullError, Outcome, Recorders
from worker import setting_aside
from worker.generation import Generation
from worker.outage import PostgresAwayError
from worker.recorder import Recorder
from worker.setting_aside import Rejected
from worker.store.keys import Bearer

ANSWER_SECONDS = 15.0
"""How long a request waits for its generations to be recorded; then it is told to come back with the same ids."""

READING_THREADS = 4
ASIDE_THREADS = 2

Read = TypeVar("Read")


class Intake:
    """Reads bodies and records what is in them, off the event loop: on threads of its own, bounded in number."""

    def __init__(self, recorder: Recorder, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._recorder = recorder
        self._recorders = Recorders(recorder)
        self._answer_seconds = answer_seconds
        self._reading = ThreadPoolExecutor(READING_THREADS, thread_name_prefix="reading")
        self._aside = ThreadPoolExecutor(ASIDE_THREADS, thread_name_prefix="aside")

    def start(self) -> None:
        self._recorders.start()

    def stop(self, *, within_seconds: float) -> None:
        """End the threads once they are done; every request has been answered by now."""
        self._recorders.stop(within_seconds=within_seconds)
        self._reading.shutdown(wait=False, cancel_futures=True)
        self._aside.shutdown(wait=False, cancel_futures=True)

    async def read(self, step: Callable[[], Read]) -> Read:
        """Return what `step` makes of a body, on a reading thread: JSON of 20 MB would hold the event loop for a second."""
        return await asyncio.get_running_loop().run_in_executor(self._reading, step)

    def check(self, arrivals: Arrivals, *, bearer: Bearer) -> list[Checked]:
        """Check the documents; for a reading thread."""
        return checking.check(arrivals, bearer=bearer, now=datetime.now(UTC), past=self._recorder.past)

    async def record(self, arrivals: Arrivals, *, bearer: Bearer) -> list[Result]:
        """Check and record what came; return a result for each document, in order, after the commit.

        Raise NotNowError when Postgres is away or too much waits: then the caller comes back with the same ids.
        """
        return await self.finish(arrivals, await self.read(lambda: self.check(arrivals, bearer=bearer)), bearer=bearer)

    async def finish(self, arrivals: Arrivals, checked: Sequence[Checked], *, bearer: Bearer) -> list[Result]:
        """Record what was checked before, as `record` does."""
        outcomes = iter(await self._recorded([one.generation for one in checked if one.generation is not None]))
        rejected: list[Rejected] = []
        results = []
        for document, one in zip(arrivals.documents, checked, strict=True):
            outcome: Outcome | None = next(outcomes) if one.generation is not None else None
            if isinstance(outcome, Rejected):
                rejected.append(outcome)
                results.append(Result(id=one.id, status="rejected", reason=outcome.error))
            elif outcome is not None:
                results.append(Result(id=one.id, status=outcome))
            else:
                reason = one.reason or ""
                if not one.foreign:
                    given = document.given if isinstance(document, Unusable) else document
                    rejected.append(Rejected(document=given, workspace=bearer.workspace, error=reason))
                results.append(Result(id=one.id, status="rejected", reason=reason))
        await self._keep(arrivals, rejected if arrivals.kept_when_rejected else ())
        return results

    async def _recorded(self, generations: Sequence[Generation]) -> Iterable[Outcome]:
        try:
            put = self._recorders.put(generations)
            return await asyncio.wait_for(asyncio.wrap_future(put), self._answer_seconds)
        except FullError:
            raise errors.NotNowError("Too much waits to be recorded; send it again in a moment.") from None
        except (PostgresAwayError, TimeoutError):
            raise _away() from None

    async def _keep(self, arrivals: Arrivals, rejected: Sequence[Rejected]) -> None:
        if not rejected and not arrivals.dropped:
            return
        today = datetime.now(UTC).date()

        def keep() -> None:
            self._recorder.patience.outlast(
                lambda: setting_aside.set_all_aside(self._recorder, rejected, arrivals.dropped, day=today)
            )

        try:
            kept = asyncio.get_running_loop().run_in_executor(self._aside, keep)
            await asyncio.wait_for(kept, self._answer_seconds)
        except (PostgresAwayError, TimeoutError):
            raise _away() from None


def _away() -> errors.NotNowError:
    return errors.NotNowError("The database is away; send it again with the same ids, which records nothing twice.")
