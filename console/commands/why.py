"""`aftertag why`: the whole story of one generation."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console import output, reading, session
from console.options import AsJson

if TYPE_CHECKING:
    from worker.store.feedback import Given
    from worker.store.story import ClassificationStory, Story


MOST_CALLS_SHOWN = 10


def register(app: typer.Typer) -> None:
    app.command()(why)


def why(
    generation_id: Annotated[str, typer.Argument(metavar="GENERATION_ID", help="The generation's id.")],
    workspace: Annotated[str | None, typer.Option("--workspace", "-w", help="Only in this workspace.")] = None,
    created_at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="About when it was created (within 48 hours): then only those days are read."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell why a generation is tagged, or is not: what was recorded, and what became of it by each classifier.

    An id that stands in several workspaces, or at several times, is told for each.
    """
    from worker import errors
    from worker.store import engine as engines
    from worker.store import reports, story

    around = None if created_at is None else reading.moment(created_at)
    with session.engine() as engine, engines.reading(engine) as connection:
        if workspace is not None:
            reports.workspace_of(connection, workspace)
        found = story.stories(connection, story.find(connection, generation_id, workspace=workspace, around=around))
    if not found:
        where = f"in workspace {workspace!r}" if workspace else "in any workspace"
        raise errors.NotFoundError(
            f"There is no generation {generation_id!r} {where};"
            " it may be unrecorded yet (`aftertag queue`), set aside (`aftertag set-aside list`), or too old to be kept."
        )
    if as_json:
        output.json_object([_document(one) for one in found])
        return
    for one in found:
        for line in _tell(one):
            output.line(line)


def _document(story: "Story") -> dict[str, Any]:
    from worker import reasons

    document = asdict(story)
    for one in document["classifications"]:
        explained = None if one["reason"] == reasons.TAGGED else reasons.explain(one["reason"])
        one["sentence"] = explained and explained.sentence
        one["advice"] = explained and explained.advice
    return document


def _tell(story: "Story") -> Iterator[str]:
    yield f"Generation {story.id} of workspace {story.workspace}"
    yield from _facts(
        ("created", _time(story.created_at)),
        ("recorded", _time(story.recorded_at) or "not among generations: it is a call of Aftertag's own"),
        ("by", ", ".join(filter(None, [story.app, story.user and f"user {story.user}", story.api_key_name]))),
        ("session", story.session_id),
        ("model", " of ".join(filter(None, [story.model, story.provider]))),
        ("used", None if story.recorded_at is None else _used(story)),
        ("text", _text(story)),
        ("tags", _tags(story.tags) or "none"),
    )
    for given in story.feedback:
        yield f"  {'feedback':<11}{_feedback(given)}"
    for one in story.classifications:
        yield ""
        yield from _tell_classification(one)
    yield ""


def _tell_classification(one: "ClassificationStory") -> Iterator[str]:
    from worker import reasons

    yield f"  By classifier {one.classifier}, version {one.version}:" if one.classifier else "  By no classifier:"
    state = one.state if one.reason == one.state else f"{one.state}: {one.reason}"
    if one.reason != reasons.TAGGED:
        explained = reasons.explain(one.reason)
        yield f"    {state}. {explained.sentence}"
        yield f"    What to do: {explained.advice}"
    else:
        yield f"    {state}: {_tags(one.tags or {}, one.certainty or {})}"
    yield from _facts(
        ("sampling", _sampling(one)),
        ("endpoint", one.endpoint),
        ("attempts", _attempts(one)),
        ("due", _time(one.due_at)),
        ("lease ends", _time(one.lease_ends_at)),
        ("finished", _time(one.finished_at)),
        ("model", one.model),
        *_calls(one),
        ("cost", _cost(one)),
        ("billed to", one.billed_to if one.calls else None),
        indent=4,
    )


def _facts(*facts: tuple[str, str | None], indent: int = 2) -> Iterator[str]:
    for name, value in facts:
        if value:
            yield f"{'':{indent}}{name:<11}{value}"


def _used(story: "Story") -> str:
    tokens = [
        f"{count} {kind} tokens"
        for kind, count in (("prompt", story.prompt_tokens), ("completion", story.completion_tokens))
        if count is not None
    ]
    cost = "cost unknown" if story.cost_usd is None else f"${output.shown(story.cost_usd)} ({story.cost_source})"
    return ", ".join([*tokens, cost])


def _text(story: "Story") -> str:
    if story.turns is None:
        return "not kept, or not any more"
    left_out = f", {story.left_out} more were left out" if story.left_out else ""
    return f"kept: {story.turns} turns{left_out}"


def _feedback(given: "Given") -> str:
    by = f" by user {given.user}" if given.user else ""
    score = "no score" if given.score is None else f"score {given.score:g}"
    comment = f": {output.shown(given.comment)}" if given.comment else ""
    return f"{score}{by}, {_time(given.created_at)}{comment}"


def _sampling(one: "ClassificationStory") -> str | None:
    if one.rate is None or one.draw is None:
        return None
    if one.draw >= 1:
        return "it came without its text: nobody can be asked about it"
    side = "in: the draw is below the rate" if one.draw < one.rate else "out: the draw is not below the rate"
    return f"rate {one.rate:g}, draw {one.draw:.4f}, {side}"


def _attempts(one: "ClassificationStory") -> str:
    first = f", the first {_time(one.first_attempt_at)}" if one.first_attempt_at else ""
    last = f", last case {one.last_case}" if one.last_case else ""
    lost = f", {one.lost_leases} lost leases" if one.lost_leases else ""
    return f"{one.attempts}{first}{last}{lost}"


def _calls(one: "ClassificationStory") -> Iterator[tuple[str, str]]:
    """The last calls, one on a line; only the first line has the name."""
    earlier = len(one.calls) - MOST_CALLS_SHOWN
    shown = [_call(call) for call in one.calls[-MOST_CALLS_SHOWN:]]
    for place, line in enumerate([f"{earlier} earlier", *shown] if earlier > 0 else shown):
        yield ("" if place else "calls", line)


def _call(call: dict[str, Any]) -> str:
    cost = "cost unknown" if call["cost_usd"] is None else f"${output.shown(Decimal(str(call['cost_usd'])))}"
    facts = [call["case"] or "answered", call["model"], f"{call['latency_ms']:.0f} ms", cost]
    return f"{_time(datetime.fromisoformat(call['at']))}: {', '.join(filter(None, facts))}"


def _cost(one: "ClassificationStory") -> str | None:
    if not one.calls:
        return None
    tokens = f"{one.prompt_tokens} prompt and {one.completion_tokens} completion tokens"
    if one.cost_usd is None:
        return f"unknown, for {tokens}"
    return f"${output.shown(one.cost_usd)} ({one.cost_source}), for {tokens}"


def _tags(tags: dict[str, Any], certainty: dict[str, float] | None = None) -> str:
    sure = certainty or {}
    return ", ".join(
        f"{dimension}={output.shown(value)}" + (f" ({sure[dimension]:.0%} sure)" if dimension in sure else "")
        for dimension, value in sorted(tags.items())
    )


def _time(at: Any) -> str | None:
    return None if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"
