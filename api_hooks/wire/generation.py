"""One generation as the wire carries it, from the arguments of `enqueue` or the keys of a plain document."""

import re
from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from api_hooks.wire.contract import KINDS, METADATA_AT_MOST, UnusableError
from api_hooks.wire.fitting import fit
from api_hooks.wire.identity import own_id, response_id, time_text, uuid7
from api_hooks.wire.reading import field, word
from api_hooks.wire.text import as_json, cut, plain, short
from api_hooks.wire.turns import Turn, normalise_messages
from api_hooks.wire.usage import normalise_usage

_WORKSPACE = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_NUMBERS_BELOW = 10**9
_SHORT = ("model", "provider", "finish_reason", "user", "session_id", "app", "api_key_name")


def generation(document: Mapping[str, Any], *, now: datetime, random_bytes: bytes) -> dict[str, Any]:
    """Return what stands in a batch.

    `document` has `enqueue`'s arguments as keys; it may have `turns` as the wire writes them in place of `messages`.
    Without an id of the caller's it gets the response's, where `output` is a provider's whole response with one that
    tells calls apart, else a uuid7 of its time and `random_bytes` (10); without a time, `now`. A model, usage and finish
    reason that the caller does not name are taken from such an `output`, too. `own_call` says that the call is the
    classifier's own. A field that makes no sense is left empty. Raises UnusableError when there is no workspace.
    """
    workspace = _workspace(document.get("workspace"))
    created_at = time_text(document.get("created_at"), otherwise=now)
    given_id = own_id(document.get("id")) or _guarded(_response_id, document.get("output"))
    turns, tools = _turns(document)
    turns, left_out = fit(turns)
    built: dict[str, Any] = {
        "id": given_id or uuid7(_unix_ms(created_at), random_bytes),
        "id_given": given_id is not None,
        "workspace": workspace,
        "created_at": created_at,
        "turns": turns,
        "tools": tools,
        "usage": _guarded(normalise_usage, document.get("usage")) or {},
        "cost_usd": _number(document.get("cost_usd")),
        "latency_ms": _number(document.get("latency_ms")),
        "streamed": document.get("streamed") is True,
        "metadata": _guarded(_metadata, document.get("metadata")) or {},
        "left_out": left_out + _count(document.get("left_out")),
    }
    if document.get("own_call") is True:
        built["own_call"] = True
    for name in _SHORT:
        built[name] = short(document.get(name))
    _complete(built, document.get("output"))
    return built


def _workspace(given: Any) -> str:
    if not issubclass(type(given), str):
        raise UnusableError("workspace: there is none; name it in the call, or once in configure(workspace=…).")
    workspace = plain(given)
    if not _WORKSPACE.fullmatch(workspace):
        raise UnusableError(
            f"workspace: {workspace[:80]!r} is none; use 1 to 63 of a-z, 0-9, _ and -, with a letter or digit first."
        )
    return workspace


def _turns(document: Mapping[str, Any]) -> tuple[list[Turn], list[str]]:
    written = document.get("turns")
    if document.get("messages") is not None or not isinstance(written, list):
        return normalise_messages(document.get("messages"), document.get("output"), document.get("tools"))
    turns, tools = normalise_messages(None, document.get("output"), document.get("tools"))
    return [_written(turn) for turn in written] + turns, tools


def _written(turn: Any) -> Turn:
    """A turn that is written as the wire writes it, held to the contract."""
    if not isinstance(turn, list | tuple) or len(turn) < 2 or not isinstance(turn[1], str):
        return normalise_messages([turn])[0][0] if turn is not None else ["user", "", None, None]
    kind, text, name, length = (*turn, None, None)[:4]
    kept, cut_from = cut(plain(text))
    known = length if type(length) is int and length > len(kept) else None
    return [kind if kind in KINDS else "user", kept, short(name), cut_from or known]


def _complete(built: dict[str, Any], output: Any) -> None:
    """Fill from a provider's whole response what the caller did not say."""
    if output is None or isinstance(output, str):
        return
    if built["model"] is None:
        built["model"] = short(_guarded(lambda whole: word(whole, "model"), output))
    if not built["usage"]:
        built["usage"] = _guarded(lambda whole: normalise_usage(field(whole, "usage", "usage_metadata")), output) or {}
    if built["finish_reason"] is None:
        built["finish_reason"] = short(_guarded(_finish_reason, output))


def _response_id(output: Any) -> str | None:
    return None if output is None or isinstance(output, str) else response_id(word(output, "id"))


def _finish_reason(output: Any) -> str | None:
    choices = field(output, "choices")
    if isinstance(choices, list) and choices:
        return word(choices[0], "finish_reason")
    return word(output, "finish_reason", "stop_reason")


def _metadata(given: Any) -> dict[str, str]:
    if not isinstance(given, Mapping):
        return {}
    kept: dict[str, str] = {}
    for key, value in islice(given.items(), 10 * METADATA_AT_MOST):
        name = short(key)
        if name is not None and value is not None and len(kept) < METADATA_AT_MOST:
            kept[name] = short(value if isinstance(value, str) else as_json(value)) or ""
    return kept


def _number(given: Any) -> float | int | None:
    """A number that is not negative, and below 10**9; also a Decimal, and one written as text."""
    if given is None or type(given) is bool:
        return None
    if type(given) is not int:
        given = _guarded(float, plain(given) if issubclass(type(given), str) else given)
    if given is None or not 0 <= given < _NUMBERS_BELOW:
        return None
    return given  # type: ignore[no-any-return]


def _count(given: Any) -> int:
    return given if type(given) is int and 0 <= given < _NUMBERS_BELOW else 0


def _unix_ms(created_at: str) -> int:
    return max(0, int(datetime.fromisoformat(created_at).timestamp() * 1000))


def _guarded(read: Any, given: Any) -> Any:
    try:
        return read(given)
    except BaseException:  # noqa: BLE001 - reading other people's objects may raise anything; the field stays empty
        return None
