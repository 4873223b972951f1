"""The proxy's `custom_auth`, copied beside its config.yaml: virtual keys without a database, as LiteLLM documents it."""

from typing import Any

KEYS: dict[str, dict[str, Any]] = {
    "sk-helpdesk": {
        "key_alias": "helpdesk-key",
        "team_id": "team-7",
        "team_alias": "support",
        "user_id": "u-owner",
        "org_id": "org-1",
    },
    "sk-research": {"key_alias": "research-key", "metadata": {"aftertag_workspace": "research"}},
}


async def auth(request: Any, api_key: str) -> Any:
    """Return who the key belongs to; raise for a key that nobody has."""
    from litellm.proxy._types import UserAPIKeyAuth

    return UserAPIKeyAuth(api_key=api_key, **KEYS[api_key])
