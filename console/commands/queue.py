"""`aftertag queue`: whether the line keeps up."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console import output, session
from console.options import AsJson

if TYPE_CHECKING:
    from worker.broker_state import BrokerState
    from worker.line_health import Verdict
    from worker.store.line_state import LineState


def register(app: typer.Typer) -> None:
    from worker.line_health import RULES

    rules = RULES.replace("\n", "\n\n")
    app.command(help=f"{queue.__doc__}\n\n{rules}")(queue)


def queue(
    check: Annotated[bool, typer.Option("--check", help="End with exit code 1 unless the line is HEALTHY.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what waits, for how long, what was lost today and what it cost, and whether that is well."""
    from worker import broker_state, line_health
    from worker.store import engine as engines
    from worker.store import line_state

    with session.engine() as engine, engines.reading(engine) as connection:
        line = line_state.look(connection)
    endpoints = {*session.endpoints(), *(one.endpoint for one in line.waiting if one.endpoint)}
    with broker_state.connect(session.redis_url()) as client:
        alive_seconds = session.settings().visibility_timeout_seconds
        broker = broker_state.look(client, endpoints=endpoints, alive_seconds=alive_seconds)
    verdict = line_health.judge(line, broker)
    if as_json:
        output.json_object(_document(line, broker, verdict))
    else:
        _tell(line, broker, verdict)
    if check and verdict.because:
        raise typer.Exit(1)


def _document(line: "LineState", broker: "BrokerState", verdict: "Verdict") -> dict[str, Any]:
    return {
        "health": verdict.health,
        "because": verdict.because,
        "queues": broker.depths,
        "held": broker.held,
        "rejected": broker.rejected,
        "workers": broker.workers,
        "swept_seconds_ago": broker.swept_seconds_ago,
        "waiting": [asdict(one) for one in line.waiting],
        "unfinished": line.unfinished,
        "due": line.due,
        "oldest_wait_seconds": line.oldest_wait_seconds,
        "last_completion": line.last_completion,
        "losses_today": line.losses,
        "set_aside": line.set_aside,
        "spend_usd_today": line.spend_usd,
        "calls_today": line.calls,
    }


def _tell(line: "LineState", broker: "BrokerState", verdict: "Verdict") -> None:
    from worker.line_health import duration

    output.line(str(verdict.health))
    for sentence in verdict.because:
        output.line(f"  {sentence}")
    output.table("Messages in Redis", ["queue", "messages"], broker.depths.items(), empty="Redis does not answer")
    output.table(
        "Unfinished classifications",
        ["endpoint", "pending", "running", "retrying", "due now", "oldest wait", "waiting on the operator"],
        [
            (
                one.endpoint,
                one.pending,
                one.running,
                one.retrying,
                one.due,
                duration(one.oldest_wait_seconds),
                ", ".join(f"{rows} {reason}" for reason, rows in one.for_operator.items()) or None,
            )
            for one in line.waiting
        ],
    )
    output.line(f"Workers that give a sign of life: {'unknown' if broker.workers is None else broker.workers}")
    output.line(
        f"Last sweep: {'none' if broker.swept_seconds_ago is None else f'{duration(broker.swept_seconds_ago)} ago'}"
    )
    since = line.seconds_since_completion
    output.line(f"Last completion: {'none lately' if since is None else f'{duration(since)} ago'}")
    lost = ", ".join(f"{count} {reason}" for reason, count in sorted(line.losses.items()))
    output.line(f"Lost today: {lost or 'none'}")
    output.line(f"Set aside and not replayed: {line.set_aside}")
    output.line(f"Spent on classifying today (UTC): ${line.spend_usd:.4f} for {line.calls} calls")
