"""Who made a call, as LiteLLM's payload tells it: key, team, end user, session, headers, and what the caller noted.

Behind a proxy the caller's metadata is a stranger's: it can name neither the workspace nor what the proxy itself knows.
"""

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from api_hooks.wire import own_calls
from api_hooks.wire.contract import METADATA_AT_MOST
from api_hooks.wire.reading import NOTHING, mapping, word

WORKSPACE_KEY = "aftertag_workspace"
"""In the metadata of a proxy's virtual key, or of a call of LiteLLM's SDK: the workspace of its generations."""

_BEHIND_A_PROXY = ("user_api_key_request_route", "user_api_key_hash", "user_api_key_alias", "user_api_key_team_id")
_OF_THE_PROXY = {
    "team": ("user_api_key_team_alias", "team_alias"),
    "team_id": ("user_api_key_team_id", "team_id"),
    "organization": ("user_api_key_org_alias", "user_api_key_org_id"),
    "project": ("user_api_key_project_alias", "user_api_key_project_id"),
    "key_user": ("user_api_key_user_id",),
}
_MASTER_KEYS_USER = "default_user_id"
_NOT_NOTED = frozenset(
    {
        *("headers", "tags", "trace_id", "session_id", "user_id", "used_client_oauth_token", WORKSPACE_KEY),
        *("model_group", "litellm_call_id", "cache_hit", "deployment", "model_info", "api_base", "endpoint"),
        *("caching_groups", "deployment_model_name", "model_group_alias", "model_group_size", "attempted_retries"),
        *("litellm_api_version", "previous_models", "internal_call_origin", "hidden_params", "queue_time_seconds"),
    }
)
_SECRET = re.compile(
    r"(api|access|private|secret|auth)[_-]?key|(^|[_-])token$|secret|passw|authori[sz]ation|cookie|credential",
    re.IGNORECASE,
)
_MADE_BY_LITELLM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_INTERNAL = "internal_call_origin"
_TAGS_AT_MOST = 20
_AGENT = "User-Agent: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is known of the request around a call. `is_internal`: LiteLLM made it for itself, to route or to judge."""

    attribution: dict[str, str | None]
    metadata: dict[str, Any]
    key_user: str | None
    own_call: str | None
    is_internal: bool


def read(
    payload: Mapping[str, Any], *, asked: Mapping[str, Any], headers: Mapping[str, Any], around: Container[str] = ()
) -> Request:
    """Read the request of a StandardLoggingPayload; the rest as `litellm.document` takes it."""
    told = mapping(payload.get("metadata"))
    is_behind_a_proxy = _is_behind_a_proxy(told)
    noted = {**mapping(told.get("spend_logs_metadata")), **mapping(told.get("requester_metadata"))}
    if not is_behind_a_proxy:
        noted = {**asked, **noted}
    headers = {**headers, **mapping(noted.get("headers")), **mapping(told.get("requester_custom_headers"))}
    by_the_proxy = {kept: word(told, *names) for kept, names in _OF_THE_PROXY.items()}
    if by_the_proxy["key_user"] == _MASTER_KEYS_USER:
        by_the_proxy["key_user"] = None
    return Request(
        attribution={
            "workspace": workspace(told, noted),
            "app": None if "app" in around else word(headers, "x-title", "x-openrouter-title", "http-referer"),
            "api_key_name": word(told, "user_api_key_alias"),
            "session_id": _session_id(payload, noted, NOTHING if "session_id" in around else headers),
        },
        metadata={
            **_notes(noted, without=by_the_proxy if is_behind_a_proxy else ()),
            **_tags(payload.get("request_tags")),
            **{name: value for name, value in by_the_proxy.items() if value},
        },
        key_user=by_the_proxy["key_user"],
        own_call=own_calls.of_headers(headers) or own_calls.of_agents(_agents(payload, told)),
        is_internal=bool(asked.get(_INTERNAL)),
    )


def workspace(told: Mapping[str, Any], noted: Mapping[str, Any]) -> str | None:
    """The workspace: the key's, as the proxy has `told`; in a program of one's own, what the caller `noted`."""
    return word(mapping(told.get("user_api_key_auth_metadata")) if _is_behind_a_proxy(told) else noted, WORKSPACE_KEY)


def _is_behind_a_proxy(told: Mapping[str, Any]) -> bool:
    return any(told.get(name) for name in _BEHIND_A_PROXY)


def _session_id(payload: Mapping[str, Any], noted: Mapping[str, Any], headers: Mapping[str, Any]) -> str | None:
    """The conversation that the caller names. A UUID that LiteLLM gave the call for want of one is no session."""
    named = word(payload, "session_id") or word(noted, "session_id", "trace_id")
    named = named or word(headers, "x-litellm-session-id", "x-litellm-trace-id")
    trace_id = word(payload, "trace_id")
    return named or (trace_id if trace_id and not _MADE_BY_LITELLM.fullmatch(trace_id) else None)


def _notes(noted: Mapping[str, Any], *, without: Any) -> dict[str, Any]:
    """The caller's own metadata: plain values only, and nothing that is named like a secret."""
    kept: dict[str, Any] = {}
    for name, value in islice(noted.items(), 4 * METADATA_AT_MOST):
        is_plain = isinstance(name, str) and isinstance(value, str | int | float)
        if is_plain and name not in _NOT_NOTED and name not in without and not _SECRET.search(name[:100]):
            kept[name] = value
    return dict(islice(kept.items(), METADATA_AT_MOST // 2))


def _tags(given: Any) -> dict[str, str]:
    """What the request is tagged with, but for its program's name, which LiteLLM counts among the tags."""
    tags = [tag for tag in _tags_told(given) if not tag.startswith(_AGENT)]
    return {"tags": ",".join(tags)} if tags else {}


def _agents(payload: Mapping[str, Any], told: Mapping[str, Any]) -> list[str | None]:
    """The names of the program that made the request, which stand there also where headers and text do not."""
    tags = [tag.removeprefix(_AGENT) for tag in _tags_told(payload.get("request_tags")) if tag.startswith(_AGENT)]
    return [word(told, "user_agent"), *tags]


def _tags_told(given: Any) -> list[str]:
    told = given[:_TAGS_AT_MOST] if isinstance(given, list) else []
    return [tag for tag in told if isinstance(tag, str)]
