"""`aftertag doctor`: what is wrong with the installation, and what to do about it."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from console import errors, output, session
from console.options import AsJson

if TYPE_CHECKING:
    from classifier_models.endpoints import Endpoint
    from worker.diagnosis import Finding


def register(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(
    probe: Annotated[
        bool,
        typer.Option("--probe", help="Also look whether each endpoint answers, and has a key. No model is asked."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Look at services, schema, clocks, days, endpoints, workers, server and kept text; say what to do about each finding.

    Ends with 1 when something is a problem; a note is only for you to know.
    """
    from worker.diagnosis import Severity

    findings = list(_look(probe=probe))
    fine = all(one.severity is not Severity.PROBLEM for one in findings)
    if as_json:
        output.json_object({"fine": fine, "findings": [asdict(one) for one in findings]})
    else:
        for one in findings:
            output.line(f"{one.severity.upper():<8} {one.subject}: {one.found}")
            if one.advice:
                output.line(f"{'':<8} → {one.advice}")
        output.line("All is well." if fine else "Something needs you; see PROBLEM above.")
    if not fine:
        raise typer.Exit(1)


def _look(*, probe: bool) -> "Iterator[Finding]":
    from worker import diagnosis

    endpoints: dict[str, Endpoint] = {}
    try:
        endpoints = session.endpoints()
    except Exception as error:  # noqa: BLE001 - what nobody expected is raised again
        yield diagnosis.problem("Endpoints", _sentence(error), "Correct that variable, for the workers too.")
    yield from _postgres(endpoints, probe=probe)
    if probe:
        yield from diagnosis.of_reach(endpoints)
    yield from _redis()
    yield from _server()


def _postgres(endpoints: "dict[str, Endpoint]", *, probe: bool) -> "Iterator[Finding]":
    from worker import diagnosis

    try:
        with session.engine(migrated=False) as engine:
            yield from diagnosis.of_postgres(engine, endpoints=endpoints, now=datetime.now(UTC), keys=probe)
    except Exception as error:  # noqa: BLE001 - what nobody expected is raised again
        yield diagnosis.problem("PostgreSQL", _sentence(error), "Run `aftertag up`, or set AFTERTAG_DATABASE_URL.")


def _redis() -> "Iterator[Finding]":
    from worker import broker_state, diagnosis

    try:
        with broker_state.connect(session.redis_url()) as client:
            alive_seconds = session.settings().visibility_timeout_seconds
            yield from diagnosis.of_redis(client, alive_seconds=alive_seconds)
    except Exception as error:  # noqa: BLE001 - what nobody expected is raised again
        yield diagnosis.problem("Redis", _sentence(error), "Run `aftertag up`, or set AFTERTAG_REDIS_URL.")


def _server() -> "Iterator[Finding]":
    from console import readiness
    from worker import diagnosis

    settings = session.settings()
    if not settings.http_port:
        return  # any free one, which only the server knows
    address = readiness.address(settings.http_host, settings.http_port)
    found = readiness.ask(address)
    if found.ready:
        yield diagnosis.ok("HTTP server", f"It answers at {address}, and can record.")
    elif found.reason is None:
        advice = "To take generations over HTTP, run `aftertag serve`."
        yield diagnosis.note("HTTP server", f"None of ours answers at {address}.", advice)
    else:
        advice = f"Look at its log, and at {address}/readyz."
        yield diagnosis.problem("HTTP server", f"It answers at {address}: {found.reason}", advice)


def _sentence(error: Exception) -> str:
    """What a person is meant to read; anything else is a mistake of ours, and goes on up."""
    sentence = errors.sentence_for(error)
    if sentence is None:
        raise error
    return sentence
