"""LiteLLM's calls, its SDK's and its proxy's: name `api_hooks.integrations.litellm.callback` among the callbacks.

    litellm.callbacks = [api_hooks.integrations.litellm.callback]         in a program that imports this module
    litellm_settings: {callbacks: api_hooks.integrations.litellm.callback}    in the proxy's config.yaml

LiteLLM calls it when a call has succeeded, on a logging thread or its loop; with a stream, when that has ended.
"""

import atexit
import logging
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

logger = logging.getLogger("aftertag")

_CONTEXT = "aftertag_context"
_REPORTED = "aftertag_reported"
_told: ContextVar[Mapping[str, Any]] = ContextVar("aftertag_told_by_litellm", default=NOTHING)


def told_of(call: Any, *, is_async: bool) -> Mapping[str, Any] | None:
    """What LiteLLM was told of who makes the call that is under way here; None where no callback of ours reports it.

    `call` is LiteLLM's own account of it, None where that was not found.
    """
    if not _is_reported(call, is_async=is_async):
        return None
    kept = getattr(call, "model_call_details", None)
    if isinstance(kept, dict) and _CONTEXT not in kept:
        callback.log_pre_api_call(None, None, kept)  # LiteLLM tells those in `success_callback` nothing before the call
    return _told.get()


def _is_reported(call: Any, *, is_async: bool) -> bool:
    """Whether LiteLLM will call one of ours: `callbacks` are for all calls, `success_callback` for synchronous ones only."""
    if is_async:
        lists = [litellm._async_success_callback, getattr(call, "dynamic_async_success_callbacks", None)]
    else:
        lists = [litellm.success_callback, getattr(call, "dynamic_success_callbacks", None)]
    return any(isinstance(one, Callback) for named in (litellm.callbacks, *lists) for one in named or ())


class Callback(CustomLogger):  # type: ignore[misc] # LiteLLM is not installed where the types are checked
    """Hands over each generation once, whatever raises meanwhile. LiteLLM passes the arguments by these names."""

    def __init__(self) -> None:
        super().__init__()
        self._is_watching = False
        self._has_warned = False

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
        with suppress(Exception):
            if self not in litellm.input_callback:
                self._warn()
        _report(kwargs)

    async def async_log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        _report(kwargs)

    def _warn(self) -> None:
        """Say once that it is named where LiteLLM uses it for half of the calls, and without the context around them."""
        if not self._has_warned:
            self._has_warned = True
            logger.warning(
                "Aftertag's callback is named in LiteLLM's success_callback, which is for synchronous calls only, and"
                " does not know who makes them: name it in litellm.callbacks."
            )


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
