"""The messages of a call of LiteLLM's SDK as they were when it was made: LiteLLM reads them when it logs, and by then the
application may have edited them.
"""

from collections.abc import Mapping
from typing import Any

import litellm
from litellm.integrations.custom_logger import CustomLogger

from api_hooks.snapshot import taken
from api_hooks.wire.reading import mapping

_KEPT = "aftertag_messages"
_MASKING = ("logging_hook", "async_logging_hook")


def keep(call: dict[str, Any]) -> None:
    """Take a snapshot, before the call, in what LiteLLM keeps of it. A proxy's messages are its own: nobody edits them."""
    messages = call.get("messages")
    if isinstance(messages, list) and not mapping(call.get("litellm_params")).get("proxy_server_request"):
        copied, _, _ = taken(messages, None, {})
        call[_KEPT] = messages, copied


def as_they_were(call: dict[str, Any], payload: Any) -> Any:
    """Return LiteLLM's payload with the snapshot in it; unchanged where LiteLLM logs other messages than it was given.

    That is where they are redacted, or could be: a snapshot would bring back what a masking callback took out.
    """
    given, copied = call.pop(_KEPT, (None, None))
    messages = call.get("messages")
    if not isinstance(messages, list) or given is not messages:
        return payload
    told = mapping(payload).get("messages")
    if not isinstance(told, list) or _may_be_masked(told):
        return payload
    system = [{"role": "system", "content": call.get("system")}]  # of Anthropic's API: LiteLLM writes it before them
    if told[:1] == system != messages[:1]:
        copied = system + copied
    return {**payload, "messages": copied}


def _may_be_masked(told: list[Any]) -> bool:
    lists = (litellm.callbacks, litellm.success_callback, litellm._async_success_callback)
    return _is_redacted(told) or any(_masks(type(one)) for registered in lists for one in registered)


def _is_redacted(told: list[Any]) -> bool:
    return any(isinstance(one, Mapping) and one.get("content") == "redacted-by-litellm" for one in told)


def _masks(kind: type) -> bool:
    return issubclass(kind, CustomLogger) and any(
        getattr(kind, name, None) is not getattr(CustomLogger, name, None) for name in _MASKING
    )
