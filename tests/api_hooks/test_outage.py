"""Ten minutes in which nothing can be sent, on a clock that passes while somebody waits for it."""

import logging
import time
from dataclasses import fields

import pytest

from api_hooks.buffer import Buffer
from api_hooks.building import Builder
from api_hooks.doorstep import Doorstep
from api_hooks.errors import SendError
from api_hooks.flusher import Flusher
from api_hooks.losses import Losses
from api_hooks.settings import Settings
from api_hooks.signals import Signal
from api_hooks.telling import Telling
from tests.api_hooks.senders import KeepingSender
from tests.waiting import wait_until

OUTAGE_SECONDS = 600.0
BEFORE = 1_000
PER_ATTEMPT = 20


class PassingTime(Signal):
    """A signal whose waits are over at once, and the time with them; only a wait without end is a real one."""

    __slots__ = ("now",)

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def wait(self, seconds: float | None) -> bool:
        if seconds is None:
            return super().wait(None)
        if super().wait(0):
            return True
        self.now += seconds
        return False


class Application(KeepingSender):
    """The way out that is down until the outage is over. The application goes on meanwhile: its generations come."""

    def __init__(self, time_passes: PassingTime, buffer: Buffer) -> None:
        super().__init__()
        self._time = time_passes
        self._buffer = buffer
        self.failed = 0
        self.handed_over = 0

    def hand_over(self, count: int) -> None:
        for _ in range(count):
            rest = {"workspace": "acme", "id": str(self.handed_over)}
            assert self._buffer.put((time.time_ns(), [("user", "x" * 1_000)], None, rest), 1_150)
            self.handed_over += 1

    def send(self, batch: bytes) -> int:
        if self._time.now >= OUTAGE_SECONDS:
            return super().send(batch)
        self.failed += 1
        self.hand_over(PER_ATTEMPT)
        raise SendError("ConnectionError")


def test_after_ten_minutes_of_failures_all_arrives_in_order_and_the_breaker_has_closed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    passing, losses = PassingTime(), Losses()
    settings = {setting.name: setting.default for setting in fields(Settings)}
    buffer = Buffer(
        most_generations=settings["buffer_generations"],
        most_bytes=settings["buffer_bytes"],
        drops_oldest=False,
        wake=passing.set,
        on_loss=losses.count,
    )
    application = Application(passing, buffer)
    flusher = Flusher(
        buffer=buffer,
        doorstep=Doorstep(wake=passing.set),
        losses=losses,
        signal=passing,
        builder=Builder(),
        telling=Telling(losses=losses, clock=lambda: passing.now),
        make_sender=lambda: application,
        flush_seconds=settings["flush_seconds"],
        clock=lambda: passing.now,
    )
    application.hand_over(BEFORE)
    with caplog.at_level(logging.WARNING, logger="aftertag"):
        flusher.start()
        wait_until(lambda: flusher.sent == application.handed_over and flusher.waiting == 0)
    assert OUTAGE_SECONDS <= passing.now < OUTAGE_SECONDS + 10
    assert 110 <= application.failed <= 130, "one attempt in five seconds, once the breaker waits its longest"
    assert [one["id"] for one in application.generations] == [str(n) for n in range(application.handed_over)]
    assert application.handed_over == BEFORE + PER_ATTEMPT * application.failed
    assert (losses.total(), flusher.breaker.is_failing) == ({}, False)
    assert 10 <= len(caplog.records) <= 11, "a line a minute"
    assert flusher.close(30)
    assert flusher.thread is not None
    flusher.thread.join(30)
    assert not flusher.thread.is_alive()
