"""LiteLLM's calls, its SDK's and its proxy's: name `api_hooks.integrations.litellm.callback` among the callbacks.

    litellm.callbacks = [api_hooks.integrations.litellm.callback]         in a program that imports this module
    litellm_settings: {callbacks: api_hooks.integrations.litellm.callback}    in the proxy's config.yaml

LiteLLM calls it when a call has succeeded, on a logging thread or its loop; with a stream, when that has ended.
"""

import atexit
import time
from collections.abc import Mapping
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

import litellm
from litellm.integrations.custom_logger import CustomLogger

from api_hooks import attribution, current
from api_hooks.integrations import litellm_messages
from api_hooks.wire import litellm as payloads
from api_hooks.wire import litellm_request as requests
from api_hooks.wire.reading import NOTHING, mapping

_CONTEXT = "aftertag_context"
_REPORTED = "aftertag_reported"
_told: ContextVar[Mapping[str, Any]] = ContextVar("aftertag_told_by_litellm", default=NOTHING)


def is_registered() -> bool:
    """Whether LiteLLM calls a callback of ours."""
    lists = (litellm.callbacks, litellm.success_callback, litellm._async_success_callback)
    return any(isinstance(one, Callback) for registered in lists for one in registered)


def told_before_the_call() -> Mapping[str, Any]:
    """What LiteLLM was told of who makes the call that is under way here."""
    return _told.get()


class Callback(CustomLogger):  # type: ignore[misc] # LiteLLM is not installed where the types are checked
    """Hands over each generation once, whatever raises meanwhile. LiteLLM passes the arguments by these names."""

    def __init__(self) -> None:
        super().__init__()
        self._is_watching = False

    def log_pre_api_call(self, model: Any, messages: Any, kwargs: Any) -> None:
        """Before the call, where the caller's context is: a stream's end is logged on a thread without it."""
        with suppress(Exception):
            kwargs[_CONTEXT] = attribution.current()
            asked = _asked(kwargs)
            _told.set({"workspace": named} if (named := requests.workspace(asked, asked)) else NOTHING)
            litellm_messages.keep(kwargs)
            if not self._is_watching:
                self._is_watching = True
                _let_litellm_finish_first()

    def log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        _report(kwargs)

    async def async_log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        _report(kwargs)


def _report(call: Any) -> None:
    try:
        try:
            _hand_over(call)
        except Exception:  # noqa: BLE001 - as in `enqueue`: LiteLLM's logging must not fail over ours
            current.count_lost("bad_input")
    except Exception:  # noqa: BLE001
        return


def _hand_over(call: dict[str, Any]) -> None:
    payload = litellm_messages.as_they_were(call, call["standard_logging_object"])
    if call.setdefault(_REPORTED, once := time.monotonic()) is not once:
        return  # a stream of Responses is logged twice, on a thread and on a loop
    # Where there was no call, as with an answer from the cache, the context here is a stranger's.
    attributed = call.get(_CONTEXT, NOTHING)
    request = mapping(mapping(call.get("litellm_params")).get("proxy_server_request"))
    document = payloads.document(
        payload,
        system=_blocks(call.get("system")),
        asked=_asked(call),
        headers=mapping(request.get("headers")),
        around=attributed,
    )
    if document is None:
        return
    messages, output = document.pop("messages"), document.pop("output")
    current.line().put(messages, output, document, attributed=attributed)


def _asked(call: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata of the application's own call, and behind a proxy what that adds to it."""
    around = mapping(call.get("litellm_params"))
    return {**mapping(around.get("litellm_metadata")), **mapping(around.get("metadata"))}


def _blocks(system: Any) -> list[Any] | None:
    """A system prompt in blocks, which LiteLLM leaves out of its payload; one that is text stands in it."""
    return system if isinstance(system, list) else None


def _let_litellm_finish_first() -> None:
    """At exit LiteLLM still runs what it has not logged; registered after ours, this comes before it."""
    current.line()
    from litellm.litellm_core_utils.logging_worker import GLOBAL_LOGGING_WORKER

    atexit.register(GLOBAL_LOGGING_WORKER._flush_on_exit)


callback = Callback()
