"""One feedback on a generation as the wire carries it: what somebody thought of the answer."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from api_hooks.wire.contract import COMMENT_CHARACTERS, SCORE_AT_MOST, UnusableError
from api_hooks.wire.fields import finite, guarded, metadata_of, workspace_of
from api_hooks.wire.identity import new_id, own_id, time_text
from api_hooks.wire.naming import call_id
from api_hooks.wire.redaction import SEEN_CHARACTERS, Redact, redacted_text
from api_hooks.wire.text import clean, plain, short


def feedback(
    document: Mapping[str, Any],
    *,
    now: datetime,
    random_bytes: bytes,
    needs_workspace: bool = True,
    redact: Redact | None = None,
) -> dict[str, Any]:
    """Return what stands in a batch: id, workspace, generation_id, created_at, score, comment, user, metadata.

    `document` has the arguments of `api_hooks.feedback` as keys. Without an id of the caller's it gets a uuid7 of its
    time and `random_bytes` (10); without a time, `now`. `generation_id` becomes text as a generation's own id does, and may be
    a whole response, which is named as the generation is. A
    score is any number from -1,000,000 to 1,000,000, True and False count as 1 and 0; a comment is cut to its first
    5,000 characters, after `redact` was shown it. Raises UnusableError, which quotes no comment, when the generation is
    missing, or the workspace (unless `needs_workspace` is False), when a score makes no sense, and when there is
    neither score nor comment.
    """
    workspace = workspace_of(document.get("workspace"), is_needed=needs_workspace)
    given = document.get("generation_id")
    generation_id = own_id(given) or guarded(call_id, given)
    if generation_id is None:
        raise UnusableError("generation_id: there is none; name the generation by its own id, or by its response's.")
    created_at = time_text(document.get("created_at"), otherwise=now)
    score = _score(document.get("score"))
    comment = _comment(document.get("comment"), redact)
    if score is None and comment is None:
        raise UnusableError("score: there is none, and no comment; give at least one of the two.")
    return {
        "id": own_id(document.get("id")) or new_id(created_at, random_bytes),
        "workspace": workspace,
        "generation_id": generation_id,
        "created_at": created_at,
        "score": score,
        "comment": comment,
        "user": short(document.get("user")),
        "metadata": guarded(metadata_of, document.get("metadata")) or {},
    }


def _score(given: Any) -> float | int | None:
    if given is None:
        return None
    score = finite(given)
    if score is None or abs(score) > SCORE_AT_MOST:
        raise UnusableError(f"score: it has to be a number from -{SCORE_AT_MOST:,} to {SCORE_AT_MOST:,}.")
    return score


def _comment(given: Any, redact: Redact | None) -> str | None:
    if not issubclass(type(given), str):
        return None
    said = plain(given)
    if redact is not None:
        said = redacted_text(said[:SEEN_CHARACTERS], redact, is_cut=len(said) > SEEN_CHARACTERS)
    return clean(said[:COMMENT_CHARACTERS]) or None
