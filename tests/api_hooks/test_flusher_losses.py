"""What was lost: told along with a batch, by itself, and in the log, and once."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from api_hooks import losses, wire
from api_hooks.buffer import Buffer
from api_hooks.building import Builder
from api_hooks.doorstep import Doorstep
from api_hooks.errors import BrokerFullError, SendError
from api_hooks.flusher import Flusher
from api_hooks.line import Line
from api_hooks.losses import Losses
from api_hooks.signals import Signal
from api_hooks.telling import Telling
from tests.api_hooks.senders import KeepingSender, put
from tests.waiting import wait_until

SECRET = "sentinel-7f3a"


def test_losses_go_along_with_the_next_batch_once(line_to: Callable[..., Line], sender: KeepingSender) -> None:
    line = line_to(buffer_bytes=10_000)
    assert not put(line, "x" * 20_000)
    put(line, "one")
    assert line.flush(30)
    put(line, "two")
    assert line.flush(30)
    assert [batch.get("dropped") for batch in sender.batches] == [{"too_large": 1}, None]


@contextmanager
def idle(sender: KeepingSender, *, report_seconds: float) -> Iterator[Callable[[str], None]]:
    """A started flusher to which no generation comes; yield how to lose one."""
    losses, signal = Losses(), Signal()
    buffer = Buffer(most_generations=1, most_bytes=1, drops_oldest=False, wake=signal.set, on_loss=losses.count)
    flusher = Flusher(
        buffer=buffer,
        doorstep=Doorstep(wake=signal.set),
        losses=losses,
        signal=signal,
        builder=Builder(),
        telling=Telling(losses=losses, clock=time.monotonic),
        make_sender=lambda: sender,
        flush_seconds=0.02,
        report_seconds=report_seconds,
    )
    flusher.start()

    def lose(reason: str) -> None:
        losses.count(reason)
        signal.set()

    try:
        yield lose
    finally:
        assert flusher.close(30)
        assert flusher.thread is not None
        flusher.thread.join(30)


def test_losses_that_no_generation_follows_are_sent_by_themselves(sender: KeepingSender) -> None:
    with idle(sender, report_seconds=0.05) as lose:
        for number in (1, 2):
            lose("too_large")
            wait_until(lambda: len(sender.batches) == number)  # noqa: B023 - called at once
    assert sender.batches == [{"v": 1, "generations": [], "dropped": {"too_large": 1}}] * 2


def test_losses_by_themselves_are_sent_again_after_a_failure_and_told_once(sender: KeepingSender) -> None:
    sender.raises = SendError("ConnectionError")
    with idle(sender, report_seconds=0.05) as lose:
        lose("too_large")
        wait_until(lambda: sender.attempts >= 1)
        sender.raises = None
        wait_until(lambda: len(sender.batches) == 1)
    assert sender.batches == [{"v": 1, "generations": [], "dropped": {"too_large": 1}}]


def test_at_the_end_losses_are_told_that_no_generation_followed(sender: KeepingSender) -> None:
    with idle(sender, report_seconds=3600) as lose:
        lose("buffer_full")
    assert sender.batches == [{"v": 1, "generations": [], "dropped": {"buffer_full": 1}}]


def test_a_full_broker_is_no_further_loss_where_losses_go_by_themselves(
    line_to: Callable[..., Line], sender: KeepingSender
) -> None:
    sender.raises = BrokerFullError("full")
    line = line_to(buffer_bytes=10)
    put(line, "x" * 20)
    assert line.close(30)
    assert line.stats().dropped == {"too_large": 1}


def test_losses_are_logged_at_most_once_a_minute_and_without_text(
    line_to: Callable[..., Line], sender: KeepingSender, caplog: pytest.LogCaptureFixture
) -> None:
    sender.raises = SendError("ConnectionError")
    with caplog.at_level(logging.DEBUG):
        line = line_to(buffer_generations=2)
        sender.may_send.clear()
        for _ in range(20):
            put(line, SECRET, user=SECRET, metadata={"k": SECRET})
        put(line, SECRET, workspace=SECRET.upper())
        sender.may_send.set()
        wait_until(lambda: sender.attempts >= 3)
    assert len([record for record in caplog.records if record.name == "aftertag"]) == 1
    assert "buffer_full" in caplog.text
    assert SECRET not in caplog.text.lower()


def test_every_reason_that_the_hook_gives_is_known_where_it_is_counted() -> None:
    assert {*losses.REASONS, losses.WITHHELD} == wire.LOSS_REASONS
