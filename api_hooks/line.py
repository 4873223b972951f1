"""One way out of this process: settings, buffer and sending thread, put together. The only place that knows senders."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from api_hooks import attribution, forking
from api_hooks.buffer import Buffer
from api_hooks.building import Builder, Read
from api_hooks.doorstep import Doorstep
from api_hooks.flusher import Flusher, Sender
from api_hooks.losses import WITHHELD, Losses
from api_hooks.settings import Settings
from api_hooks.signals import Signal
from api_hooks.snapshot import taken
from api_hooks.telling import Telling

logger = logging.getLogger("aftertag")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What became of the generations, and feedback, of this process since its start or the last `configure`.

    accepted == sent + waiting + those of `dropped` that had been accepted; `is_failing` while Redis or the server takes
    none. `withheld` counts texts that `redact` failed on: no generation is lost by them.
    """

    accepted: int
    sent: int
    waiting: int
    waiting_bytes: int
    dropped: dict[str, int]
    withheld: int
    is_failing: bool


class Line:
    """Takes generations on the caller's thread; its own thread starts with the first one, unless it is closed by then."""

    def __init__(
        self, settings: Settings, *, sender: Sender | None = None, on_start: Callable[[], None] | None = None
    ) -> None:
        self.settings = settings
        self._on_start = on_start
        self._losses = Losses()
        self._signal = Signal()
        self._is_closed = False
        self._is_configured = sender is not None or settings.url is not None
        self._lacks_workspace = settings.needs_workspace and settings.workspace is None
        self._buffer = Buffer(
            most_generations=settings.buffer_generations,
            most_bytes=settings.buffer_bytes,
            drops_oldest=settings.when_full == "drop_oldest",
            wake=self._signal.set,
            on_loss=self.lose,
        )
        self.doorstep = Doorstep(wake=self._signal.set)
        self._telling = Telling(losses=self._losses, clock=time.monotonic)
        self.flusher = Flusher(
            buffer=self._buffer,
            doorstep=self.doorstep,
            losses=self._losses,
            signal=self._signal,
            builder=Builder.of(settings, on_redact_failure=self._withhold),
            telling=self._telling,
            make_sender=(lambda: sender) if sender is not None else partial(sender_for, settings),
            flush_seconds=settings.flush_seconds,
        )
        self._is_started = False
        self._starting = threading.RLock()

    @property
    def is_started(self) -> bool:
        return self._is_started

    def put(
        self, messages: Any, output: Any, rest: dict[str, Any], *, attributed: Mapping[str, Any] | None = None
    ) -> bool:
        """Take a snapshot and leave it to the thread. Return whether it was accepted.

        `attributed` is what `attribution.current()` was where the call began, if that was elsewhere.
        """
        if not self._is_open() or not self._is_attributed(rest, attributed):
            return False
        unix_ns = time.time_ns()
        messages, output, size = taken(messages, output, rest)
        return self._buffer.put((unix_ns, messages, output, rest), size)

    def put_unread(self, unix_ns: int, read: Read, size: int, attributed: Mapping[str, Any]) -> bool:
        """The same for a call that is still bytes, about `size` of them, which nobody changes: only `attributed` is copied.

        It was over at `unix_ns`.
        """
        if not self._is_open():
            return False
        if self._lacks_workspace and attributed.get("workspace") is None:
            self.lose("bad_input")
            return False
        if attributed:
            attributed = {**attributed}
            size += taken(None, None, attributed)[2]
        return self._buffer.put((unix_ns, read, attributed), size)

    def put_feedback(self, given: dict[str, Any]) -> bool:
        """The same for feedback: the arguments of `api_hooks.feedback`."""
        if not self._is_open() or not self._is_attributed(given):
            return False
        unix_ns = time.time_ns()
        _, _, size = taken(None, None, given)
        return self._buffer.put((unix_ns, given), size)

    def _is_open(self) -> bool:
        """Start the thread if need be; count what cannot be taken."""
        if self._is_closed:
            self.lose("closed")
            return False
        if not self._is_started and not self._start():
            return False
        if not self._is_configured:
            self.lose("not_configured")
            return False
        return True

    def _is_attributed(self, given: dict[str, Any], attributed: Mapping[str, Any] | None = None) -> bool:
        """Fill in what the contexts around the call say; count what belongs to nobody."""
        attribution.complete(given, attribution.current() if attributed is None else attributed)
        if self._lacks_workspace and given["workspace"] is None:
            self.lose("bad_input")
            return False
        return True

    def flush(self, timeout_seconds: float) -> bool:
        self.doorstep.take_in()
        return not self._is_started or self.flusher.flush(timeout_seconds)

    def close(self, timeout_seconds: float) -> bool:
        """Send what waits, within these seconds; what is not sent, and what comes later, is counted as `closed`."""
        self.doorstep.take_in()
        with self._starting:  # nobody starts the thread afterwards, which would wait for ever
            was_closed, self._is_closed = self._is_closed, True
        if was_closed or not self._is_started:
            return True
        is_empty = self.flusher.close(timeout_seconds)
        if not is_empty:
            logger.warning("%d generations were not sent when the hook was closed.", self.flusher.waiting)
        return is_empty

    def stats(self) -> Stats:
        self.doorstep.take_in()
        return Stats(
            accepted=self._buffer.entered,
            sent=self.flusher.sent,
            waiting=self.flusher.waiting,
            waiting_bytes=self._buffer.bytes,
            dropped=self._losses.total(),
            withheld=self._losses.withheld,
            is_failing=self.flusher.breaker.is_failing,
        )

    def _start(self) -> bool:
        with self._starting:
            if self._is_started:
                return True
            if forking.will_fork_unseen():
                self.lose("no_thread")
                return False
            if self._is_closed:
                self.lose("closed")
                return False
            self._is_started = True  # before the thread is, for a signal handler that enqueues meanwhile
            try:
                self.flusher.start()
            except RuntimeError:
                self._is_started = False
                self.lose("no_thread")
                return False
            if self._on_start is not None:
                self._on_start()
            return True

    def lose(self, reason: str) -> None:
        is_first = not self._losses.is_unlogged
        self._losses.count(reason)
        if is_first:
            self._signal.set()

    def _withhold(self, problem: str) -> None:
        self._telling.redact_problem = problem
        self._losses.count(WITHHELD)


def sender_for(settings: Settings) -> Sender | None:
    """The sender of the url's scheme. Called on the sending thread, because it imports."""
    if settings.url is None:
        return None
    if settings.is_http:
        from api_hooks.poster import HttpPoster

        return HttpPoster(url=settings.url, key=settings.key, socket_timeout_seconds=settings.socket_timeout_seconds)
    from api_hooks.publisher import RedisPublisher

    return RedisPublisher(
        url=settings.url,
        socket_timeout_seconds=settings.socket_timeout_seconds,
        max_broker_bytes=settings.max_broker_bytes,
    )
