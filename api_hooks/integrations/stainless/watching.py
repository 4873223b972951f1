"""See every answer of a provider that a client gets, hand over what is whole, and listen to what still comes in."""

import functools
import sys
from collections.abc import Callable, Mapping
from typing import Any

from api_hooks import attribution, open_spans
from api_hooks.integrations.stainless import background, bodies, inside_litellm, streams
from api_hooks.integrations.stainless.calls import Call, hand_over, took
from api_hooks.integrations.stainless.listening import lose
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
    """Hand over a whole response; return the call of one that is still to come in.

    Before the SDK makes objects of it: where that fails, as with an answer that does not fit the caller's model, the
    generation was made all the same.
    """
    try:
        options, response = given["options"], given["response"]
        method = options.method.lower()
        if method == "get":
            _retrieved(options.url, response)
            return None
        form = sdk.forms.get(options.url) or sdk.form_of(options.url)
        if form is None or method != "post" or not 200 <= response.status_code < 300:
            return None
        streamed, asked = given["stream"], options.json_data
        is_whole = not streamed and response.is_closed
        is_in_background = form == "responses" and isinstance(asked, Mapping) and asked.get("background") is True
        is_told_of = open_spans.started() or inside_litellm.INTEGRATION in sys.modules
        if is_whole and not is_in_background and not is_told_of:  # most calls: the short way
            content = response.content
            hand_over(sdk, form, response.request, content, len(content), took(response), attribution.current())
            return None
        call = Call(
            sdk=sdk,
            form=form,
            response=response,
            streamed=streamed is True,
            is_in_background=is_in_background,
            asked=asked,
        )
        if (told := inside_litellm.attribution_of_call(is_async=is_async)) is not None:
            call.leave_to_litellm(told)
        if not is_whole:
            return call
        content = response.content
        call.hand_over(content, len(content))
    except Exception:  # noqa: BLE001 - an application never fails over its tagging
        lose()
    return None


def _retrieved(url: str, response: Any) -> None:
    """Hand over the answer to a call that the provider worked out in the background."""
    call = background.answered_call(url, response) if response.status_code == 200 else None
    if call is not None:
        content = response.content
        call.hand_over(content, len(content))


def _listen(call: Call, result: Any, response: Any) -> None:
    try:
        if hasattr(result, "_decoder"):
            streams.listen(call, result, response)
        else:
            bodies.listen(call, result, response)
    except Exception:  # noqa: BLE001 - see above
        lose()
