"""One generation as the wire carries it, from the arguments of `enqueue` or the keys of a plain document."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from api_hooks.wire import own_calls
from api_hooks.wire.contract import KINDS
from api_hooks.wire.fields import guarded, metadata_of, number, whole_number, workspace_of
from api_hooks.wire.fitting import fit
from api_hooks.wire.identity import new_id, own_id, time_text
from api_hooks.wire.naming import call_id
from api_hooks.wire.reading import field, word
from api_hooks.wire.redaction import SEEN_CHARACTERS, Redact, redacted
from api_hooks.wire.sampling import Sample
from api_hooks.wire.text import KEPT_CHARACTERS, cut, plain, short
from api_hooks.wire.turns import Turn, normalise_messages
from api_hooks.wire.usage import normalise_usage

_SHORT = ("model", "provider", "finish_reason", "user", "session_id", "app", "api_key_name")


def generation(
    document: Mapping[str, Any],
    *,
    now: datetime,
    random_bytes: bytes,
    needs_workspace: bool = True,
    sample: Sample | None = None,
    redact: Redact | None = None,
) -> dict[str, Any]:
    """Return what stands in a batch.

    `document` has `enqueue`'s arguments as keys; it may have `turns` as the wire writes them in place of `messages`.
    Without an id of the caller's it gets the response's, where `output` is a provider's whole response with one that
    tells calls apart, else a uuid7 of its time and `random_bytes` (10); without a time, `now`. A model, usage, cost and
    finish reason that the caller does not name are taken from such an `output`, too. `own_call` is the mark of
    a classifier's own call; `source_rate` and `source_draw` (0 to 1), that its sender sampled the text out. A field that makes
    no sense is left empty. Raises UnusableError when there is no workspace;
    without `needs_workspace` it may be None, where a server knows it by the sender's key.

    What `sample` leaves out has no turns and tools, and says by `source_rate` and `source_draw` why. `redact` is
    shown the text of every turn that is left.
    """
    built = _head(document, now=now, random_bytes=random_bytes, needs_workspace=needs_workspace)
    turns, tools = _turns(document, most=SEEN_CHARACTERS if redact is not None else KEPT_CHARACTERS)
    if mark := _own_call_mark(document, built, turns):  # which nobody could tell by its redacted text
        built["own_call"] = mark
    if sample is not None and "source_rate" not in built and (draw := sample.draw_of_left_out(built)) is not None:
        built |= {"source_rate": sample.rate, "source_draw": draw}
        turns, tools = [], []
    elif redact is not None:
        turns = redacted(turns, redact)
    turns, left_out = fit(turns)
    built |= {"turns": turns, "tools": tools, "left_out": left_out + whole_number(document.get("left_out"))}
    _complete(built, document.get("output"))
    return built


def _head(document: Mapping[str, Any], *, now: datetime, random_bytes: bytes, needs_workspace: bool) -> dict[str, Any]:
    """All but the text."""
    workspace = workspace_of(document.get("workspace"), is_needed=needs_workspace)
    created_at = time_text(document.get("created_at"), otherwise=now)
    given_id = own_id(document.get("id")) or guarded(call_id, document.get("output"))
    head: dict[str, Any] = {
        "id": given_id or new_id(created_at, random_bytes),
        "id_given": given_id is not None,
        "workspace": workspace,
        "created_at": created_at,
        "usage": guarded(normalise_usage, document.get("usage")) or {},
        "cost_usd": number(document.get("cost_usd")),
        "latency_ms": number(document.get("latency_ms")),
        "streamed": document.get("streamed") is True,
        "metadata": guarded(metadata_of, document.get("metadata")) or {},
    }
    for name in ("source_rate", "source_draw"):
        share = number(document.get(name))
        if share is not None and share <= 1:
            head[name] = share
    for name in _SHORT:
        head[name] = short(document.get(name))
    return head


def _own_call_mark(document: Mapping[str, Any], built: Mapping[str, Any], turns: list[Turn]) -> str | None:
    return (
        own_calls.of_field(document.get("own_call"))
        or own_calls.of_turns(turns)
        or own_calls.of_metadata(built["metadata"])
    )


def _turns(document: Mapping[str, Any], *, most: int) -> tuple[list[Turn], list[str]]:
    written = document.get("turns")
    if document.get("messages") is not None or not isinstance(written, list):
        return normalise_messages(document.get("messages"), document.get("output"), document.get("tools"), most=most)
    turns, tools = normalise_messages(None, document.get("output"), document.get("tools"), most=most)
    return [_written(turn, most) for turn in written] + turns, tools


def _written(turn: Any, most: int) -> Turn:
    """A turn that is written as the wire writes it, held to the contract."""
    if not isinstance(turn, list | tuple) or len(turn) < 2 or not isinstance(turn[1], str):
        return normalise_messages([turn], most=most)[0][0] if turn is not None else ["user", "", None, None]
    kind, text, name, length = (*turn, None, None)[:4]
    kept, cut_from = cut(plain(text), most)
    known = length if type(length) is int and length > len(kept) else None
    return [kind if kind in KINDS else "user", kept, short(name), cut_from or known]


def _complete(built: dict[str, Any], output: Any) -> None:
    """Fill from a provider's whole response what the caller did not say."""
    if output is None or isinstance(output, str):
        return
    if built["model"] is None:
        built["model"] = short(guarded(lambda whole: word(whole, "model"), output))
    if not built["usage"]:
        built["usage"] = guarded(lambda whole: normalise_usage(field(whole, "usage", "usage_metadata")), output) or {}
    if built["cost_usd"] is None:
        built["cost_usd"] = guarded(_cost, output)
    if built["finish_reason"] is None:
        built["finish_reason"] = short(guarded(_finish_reason, output))


def _cost(output: Any) -> float | int | None:
    """What a gateway says that the call cost, in US dollars: OpenRouter does, beside the tokens."""
    usage = field(output, "usage")
    return None if usage is None else number(field(usage, "cost"))


def _finish_reason(output: Any) -> str | None:
    choices = field(output, "choices")
    if isinstance(choices, list) and choices:
        return word(choices[0], "finish_reason")
    if word(output, "object") == "response":  # of the Responses API
        return word(field(output, "incomplete_details") or {}, "reason") or word(output, "status")
    return word(output, "finish_reason", "stop_reason")
