"""See every answer of a provider that a client gets, hand over what is whole, and listen to what still comes in."""

import functools
import sys
import time
from collections.abc import Callable
from typing import Any

from api_hooks import attribution, current, open_spans
from api_hooks.integrations.stainless import bodies, inside_litellm, streams
from api_hooks.integrations.stainless.calls import Call
from api_hooks.integrations.stainless.listening import lose
from api_hooks.integrations.stainless.looking import call_of, is_retrieval, look
from api_hooks.integrations.stainless.sdk import Sdk


def watched(original: Callable[..., Any], sdk: Sdk) -> Callable[..., Any]:
    """Return a client's `_process_response` that tells of what it sees; errors and results pass as they are."""

    @functools.wraps(original)
    def _process_response(*client: Any, **given: Any) -> Any:
        call = _seen(sdk, given, is_async=False)
        result = original(*client, **given)
        if call is not None:
            _listen(call, result, given["response"])
        return result

    return _process_response


def watched_async(original: Callable[..., Any], sdk: Sdk) -> Callable[..., Any]:
    """`watched` for a client whose methods are coroutines."""

    @functools.wraps(original)
    async def _process_response(*client: Any, **given: Any) -> Any:
        call = _seen(sdk, given, is_async=True)
        result = await original(*client, **given)
        if call is not None:
            _listen(call, result, given["response"])
        return result

    return _process_response


def _seen(sdk: Sdk, given: dict[str, Any], *, is_async: bool) -> Call | None:
    """Leave a whole response to the sending thread; return the call of one that is still to come in.

    Before the SDK makes objects of it: where that fails, as with an answer that does not fit the caller's model, the
    generation was made all the same.
    """
    try:
        now = time.perf_counter()
        options, response, streamed = given["options"], given["response"], given["stream"]
        attributed = attribution.current()
        is_whole = not streamed and response.is_closed
        is_told_of = open_spans.started() or inside_litellm.INTEGRATION in sys.modules
        if is_whole and (not is_told_of or is_retrieval(options)):  # most calls
            line = current.line()
            line.doorstep.leave(look, line, sdk, options, response, attributed, now)
            return None
        call = call_of(sdk, options, response, streamed=streamed is True, attributed=attributed, seen=now)
        if call is None:
            return None
        call.around = open_spans.take()
        if (told := inside_litellm.attribution_of_call(is_async=is_async)) is not None:
            call.leave_to_litellm(told)
        if not is_whole:
            return call
        content = response.content
        call.hand_over(content, len(content))
    except Exception:  # noqa: BLE001 - an application never fails over its tagging
        lose()
    return None


def _listen(call: Call, result: Any, response: Any) -> None:
    try:
        if hasattr(result, "_decoder"):
            streams.listen(call, result, response)
        else:
            bodies.listen(call, result, response)
    except Exception:  # noqa: BLE001 - see above
        lose()
