"""The sending thread: it waits, makes batches of what is in the buffer, and sends them; sending again is its work too."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from api_hooks import forking
from api_hooks.batches import Batch, Batches, of_losses
from api_hooks.breaker import Breaker
from api_hooks.buffer import Buffer
from api_hooks.building import Builder, prepare
from api_hooks.doorstep import Doorstep
from api_hooks.errors import BrokerFullError, RefusedError, SendError, TooLargeError
from api_hooks.losses import Losses
from api_hooks.signals import Signal
from api_hooks.telling import Telling

REPORT_SECONDS = 60.0
"""How long losses wait for a batch to go along with, from the last one that was sent."""

_LOOK_SECONDS = 0.2
"""How long a call lies on the doorstep, while the thread is not at work."""


class Sender(Protocol):
    """The way out. Raise BrokerFullError or RefusedError to have a batch dropped, SendError to have it sent again.

    TooLargeError has it sent in halves. `send` returns how many generations and feedback of the batch were rejected, as
    far as that is known.
    """

    def send(self, batch: bytes) -> int: ...

    def close(self) -> None: ...


class Flusher:
    """Owns the thread, which starts with `start` and ends with `close`."""

    def __init__(
        self,
        *,
        buffer: Buffer,
        doorstep: Doorstep,
        losses: Losses,
        signal: Signal,
        builder: Builder,
        telling: Telling,
        make_sender: Callable[[], Sender | None],
        flush_seconds: float,
        report_seconds: float = REPORT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._buffer = buffer
        self._doorstep = doorstep
        self._losses = losses
        self._signal = signal
        self._make_sender = make_sender
        self._sender: Sender | None = None
        self._flush_seconds = flush_seconds
        self._report_seconds = report_seconds
        self._report_at = clock() + report_seconds
        self._clock = clock
        self._telling = telling
        self._batches = Batches(snapshots=buffer, builder=builder, on_loss=losses.count)
        self.breaker = Breaker(clock=clock)
        self._unsent: Batch | None = None
        self._is_hurried = False
        self._is_closing = False
        self._settled = threading.Condition(threading.RLock())
        self._settled_up_to = 0
        self.sent = 0
        self.thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread. Raise RuntimeError when the interpreter has no more threads to give."""
        thread = threading.Thread(target=self._run, name="aftertag-hook", daemon=True)
        thread.start()
        self.thread = thread

    @property
    def waiting(self) -> int:
        """Generations, and feedback, that are neither sent nor dropped."""
        batch = self._unsent
        return len(self._doorstep) + len(self._buffer) + self._batches.carried + (batch.entries if batch else 0)

    def flush(self, timeout_seconds: float) -> bool:
        """Wait until everything that is waiting now is sent or dropped. Return False when the seconds pass first."""
        deadline = self._clock() + timeout_seconds
        with self._settled:
            until = self._buffer.entered
            while self._settled_up_to < until:
                remaining = deadline - self._clock()
                if remaining <= 0 or self.thread is None or not self.thread.is_alive():
                    return False
                self._is_hurried = True
                self._signal.set()
                self._settled.wait(min(remaining, 0.5))
        return True

    def close(self, timeout_seconds: float) -> bool:
        """`flush`, report losses, and end the thread; what is not sent by then is counted as `closed`."""
        deadline = self._clock() + timeout_seconds
        is_empty = self.flush(timeout_seconds)
        self._is_closing = True
        self._signal.set()
        if self.thread is not None and self._losses.is_unsent:
            self.thread.join(max(0.0, deadline - self._clock()))
        return is_empty

    def _run(self) -> None:
        with suppress(Exception):  # what it cannot import, nothing is made of: that is counted
            prepare()
        with self._doorstep.attended():
            self._work()
        if self.waiting:
            self._losses.count("closed", self.waiting)
        self._report_at = float("-inf")
        with suppress(BaseException):  # whatever the sender raises: nobody is left to be told
            self._report_losses()
        if self._sender is not None:
            with forking.work:
                self._sender.close()

    def _work(self) -> None:
        while not self._is_closing:
            try:
                self._wait()
                self._send_what_waits()
                self._report_losses()
                with forking.work:
                    self._telling.tell(is_failing=self.breaker.is_failing and self.waiting > 0)
            except BaseException as error:  # noqa: BLE001 - this thread outlives whatever happens on it
                self._telling.send_problem = type(error).__name__
                self.breaker.failed()

    def _wait(self) -> None:
        """Give a batch time to gather, or the broker time to come back; sleep when nothing came, until something does.

        So it sleeps only where calls are rare: whoever comes while it does has to wake it.
        """
        self._gather()
        while self.waiting == 0 and not self._is_closing and not self._is_hurried:
            with self._doorstep.asleep():
                is_woken = self._signal.wait(self._seconds_to_sleep())
            if not is_woken:
                return
            self._gather()

    def _gather(self) -> None:
        wake_at = self._clock() + max(self._flush_seconds, self.breaker.seconds_to_wait)
        while not self._is_closing and not self._is_hurried and (remaining := wake_at - self._clock()) > 0:
            if self._buffer.is_half_full and not self.breaker.is_failing:
                return
            self._signal.wait(min(remaining, _LOOK_SECONDS))
            self._doorstep.take_in()

    def _seconds_to_sleep(self) -> float | None:
        """Until losses are to be logged or reported; None where there are none."""
        times = [self._telling.due_at] if self._telling.due_at is not None else []
        if self._losses.is_unsent or self._unsent is not None:
            times.append(self._report_at)
        return max(0.0, min(times) - self._clock()) if times else None

    def _send_what_waits(self) -> None:
        """Send what is in the buffer now; what comes meanwhile waits for its own batch."""
        if self._is_hurried:
            self._is_hurried = False
            self.breaker.try_now()
        self._doorstep.take_in()
        until = self._buffer.entered
        while self._has_some(until):
            if self.breaker.seconds_to_wait:
                return
            if self._unsent is None:
                most = max(0, until - self._buffer.left)
                self._unsent = self._batches.next(most_snapshots=most, take_dropped=self._losses.take_unsent)
            if self._unsent is not None:
                self._send(self._unsent)
        with self._settled:
            self._settled_up_to = until
            self._settled.notify_all()

    def _has_some(self, until: int) -> bool:
        return self._buffer.left < until or self._batches.carried > 0 or self._unsent is not None

    def _send(self, batch: Batch) -> None:
        try:
            with forking.work:
                sender = self._sender = self._sender or self._make_sender()
                rejected = 0 if sender is None else sender.send(batch.body)
        except BrokerFullError:
            self._drop(batch, "broker_full")
        except RefusedError as error:
            self.breaker.succeeded()
            if isinstance(error, TooLargeError) and batch.entries > 1:
                self._unsent = self._batches.halved(batch)
                return
            self._telling.refusal = str(error)
            self._drop(batch, "refused")
        except SendError as error:
            self._telling.send_problem = str(error)
            self.breaker.failed(wait_seconds=error.wait_seconds)
        else:
            if sender is None:
                self._drop(batch, "not_configured")
            else:
                self._settle(batch, rejected=min(rejected, batch.entries))

    def _settle(self, batch: Batch, *, rejected: int) -> None:
        self.breaker.succeeded()
        self._unsent = None
        self._report_at = self._clock() + self._report_seconds
        self.sent += batch.entries - rejected
        if rejected:
            self._losses.count("rejected", rejected, is_told=True)

    def _drop(self, batch: Batch, reason: str) -> None:
        self._unsent = None
        self._losses.give_back(batch.dropped)
        if batch.entries:
            self._losses.count(reason, batch.entries)

    def _report_losses(self) -> None:
        """Send losses by themselves where no generation came that they could go along with."""
        now = self._clock()
        if now < self._report_at:
            return
        self._report_at = now + self._report_seconds
        if self._unsent is None and self._losses.is_unsent and not self.breaker.seconds_to_wait:
            self._unsent = of_losses(self._losses.take_unsent())
            self._send(self._unsent)
