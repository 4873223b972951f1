"""The process's event loop: model calls in flight, bounded as a whole and per endpoint; writing is next."""

import asyncio
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from classifier_models import retry
from classifier_models.breaker import Breaker
from classifier_models.client import ModelClient
from classifier_models.endpoints import Endpoint
from classifier_models.question import Question
from classifier_models.reply import Answered, Reply, Unanswered
from worker import ending
from worker.outcomes import Call, Failed, Outcome, Retry, Tagged, Waiting
from worker.places import Places
from worker.store.claims import Claimed
from worker.store.outcomes import Ended

RELEASED = Waiting(reason=None, after_seconds=0.0)

CUT_OFF = "cut_off"
"""The case of a call that a stopping worker did not wait for: told like the others, its cost unknown."""

LOCAL_CALLS = 2
"""The built-in model has one thread: one question is computed, the next is at hand."""

KEPT_SHARE = 8
"""Of an endpoint's places: one in so many is its own, whatever hangs at the others."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A claimed classification with the question to put to its endpoint."""

    claimed: Claimed
    question: Question = field(repr=False)
    asked_by: float  # monotonic seconds: when its call has to have started, so that its lease outlasts it


class Calls:
    """One thread with one asyncio loop and one model client; on that thread `ended` is called for each classification.

    Instead of it `forsaken` is called for one whose call ended by a fault of ours, and `broken` when no call can be
    made any more.
    """

    def __init__(
        self,
        *,
        endpoints: Mapping[str, Endpoint],
        breaker: Breaker,
        in_flight: int,
        in_flight_per_endpoint: int,
        timeout_seconds: float,
        ended: Callable[[Ended], None],
        forsaken: Callable[[Claimed], None],
        broken: Callable[[BaseException], object] = ending.end_now,
        open_client: Callable[[], ModelClient] = ModelClient,
    ) -> None:
        self._endpoints = endpoints
        self._breaker = breaker
        self._timeout_seconds = timeout_seconds
        self._ended = ended
        self._forsaken = forsaken
        self._broken = broken
        self._open_client = open_client
        self._loop = asyncio.new_event_loop()
        self._places = Places(
            total=in_flight,
            per_endpoint=in_flight_per_endpoint,
            kept=max(1, in_flight_per_endpoint // KEPT_SHARE),
            fewer=fewer_places(endpoints),
        )
        self._under_way: set[asyncio.Task[None]] = set()
        self._client: ModelClient | None = None
        self._thread = threading.Thread(target=self._run, name="aftertag-calls", daemon=True)

    @property
    def in_flight(self) -> int:
        return self._places.taken

    def start(self) -> None:
        self._thread.start()

    def hand_over(self, asking: Sequence[Asking]) -> None:
        """Begin these calls; return at once. From any thread."""
        self._loop.call_soon_threadsafe(self._begin, asking)

    def stop(self, drain_seconds: float) -> None:
        """Finish calls for `drain_seconds`, release the rest, end the loop. Every classification gets its `ended`."""
        finished = asyncio.run_coroutine_threadsafe(self._drain(drain_seconds), self._loop)
        finished.result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        except BaseException as error:  # noqa: BLE001 - whatever it is, nobody asks any more
            self._broken(error)

    def _begin(self, asking: Sequence[Asking]) -> None:
        if self._client is None:
            try:
                self._client = self._open_client()
            except Exception as error:  # noqa: BLE001 - the loop would only log it, and what was claimed would stay inside
                self._broken(error)
                return
        for one in asking:
            task = self._loop.create_task(self._ask(one, self._client))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _ask(self, asking: Asking, client: ModelClient) -> None:
        claimed = asking.claimed
        try:
            async with self._places.one(claimed.endpoint):
                ended = await self._call(asking, client)
        except asyncio.CancelledError:  # by a stop
            self._ended(Ended(claimed=claimed, outcome=RELEASED))
            raise
        except Exception as error:  # noqa: BLE001 - released, it would be asked again at once, and paid for without end
            log.error("a call broke; its classification loses its lease", error=type(error).__name__)
            self._forsaken(claimed)
        else:
            self._ended(ended)

    async def _call(self, asking: Asking, client: ModelClient) -> Ended:
        claimed = asking.claimed
        if time.monotonic() > asking.asked_by:
            return Ended(claimed=claimed, outcome=RELEASED)
        held = self._breaker.admit(claimed.endpoint, asking.question.model)
        if held is not None:
            reason = None if held.reason == "rate_limited" else held.reason
            return Ended(claimed=claimed, outcome=Waiting(reason=reason, after_seconds=held.after_seconds))
        began = time.monotonic()
        try:
            reply = await client.ask(self._endpoints[claimed.endpoint], asking.question, self._timeout_seconds)
        except asyncio.CancelledError:  # by a stop; the server has been asked, and may send a bill
            return Ended(claimed=claimed, outcome=RELEASED, call=_cut_off(seconds=time.monotonic() - began))
        self._breaker.learn(claimed.endpoint, asking.question.model, reply)
        return conclude(claimed, reply, random=random.random)

    async def _drain(self, seconds: float) -> None:
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=max(seconds, 0))
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        if self._client is not None:
            await self._client.aclose()


def fewer_places(endpoints: Mapping[str, Endpoint]) -> dict[str, int]:
    """The endpoints that compute on a thread of this process: who waits there must not do so on its call's deadline."""
    return {name: LOCAL_CALLS for name, endpoint in endpoints.items() if endpoint.dialect == "local"}


def conclude(claimed: Claimed, reply: Reply, *, random: Callable[[], float]) -> Ended:
    """What a reply means for its classification, by the retry table."""
    return Ended(claimed=claimed, outcome=_outcome(claimed, reply, random), call=_call_of(reply))


def _outcome(claimed: Claimed, reply: Reply, random: Callable[[], float]) -> Outcome:
    if isinstance(reply, Answered):
        return Tagged(tags=reply.tags, certainty=reply.certainty)
    decision = retry.decide(
        reply.case,
        tries_of_case=claimed.second_tries + (reply.case in retry.ONCE_MORE_CASES),
        attempts=claimed.attempts + 1,
        seconds_since_first_attempt=claimed.seconds_since_first_attempt,
        random=random,
    )
    match decision:
        case retry.Retry(after_seconds=seconds, change=change):
            return Retry(after_seconds=seconds, change=change)
        case retry.Final(reason=reason):
            return Failed(reason=reason)
        case retry.WaitForOperator(reason=reason, after_seconds=seconds):
            return Waiting(reason=reason, after_seconds=seconds)


def _cut_off(*, seconds: float) -> Call:
    return Call(usage=None, model=None, latency_ms=round(seconds * 1000), case=CUT_OFF)


def _call_of(reply: Reply) -> Call:
    case = reply.case.value if isinstance(reply, Unanswered) else None
    return Call(
        usage=reply.usage,
        model=reply.model,
        latency_ms=reply.latency_ms,
        case=case,
        once_more=isinstance(reply, Unanswered) and reply.case in retry.ONCE_MORE_CASES,
    )
