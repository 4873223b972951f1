"""Look at a call that is over, whether it made a generation, and hand that over; the caller has gone on meanwhile."""

from collections.abc import Mapping
from typing import Any

from api_hooks.integrations.stainless import background
from api_hooks.integrations.stainless.calls import Call
from api_hooks.integrations.stainless.listening import lose
from api_hooks.integrations.stainless.sdk import Sdk
from api_hooks.line import Line


def look(line: Line, sdk: Sdk, options: Any, response: Any, attributed: Mapping[str, Any], ended: float) -> None:
    """Hand over to `line` what a whole response says. It `ended` then, by the performance counter. Raises nothing."""
    try:
        call = call_of(sdk, options, response, streamed=False, attributed=attributed, seen=ended)
        if call is not None:
            content = response.content
            call.hand_over(content, len(content), line=line, ended=ended)
    except Exception:  # noqa: BLE001 - an application never fails over its tagging
        lose()


def call_of(
    sdk: Sdk, options: Any, response: Any, *, streamed: bool, attributed: Mapping[str, Any], seen: float
) -> Call | None:
    """Return the call that this is the answer to, also one that asked for it long ago; None where nothing is generated."""
    if is_retrieval(options):
        return background.answered_call(options.url, response) if response.status_code == 200 else None
    form = sdk.form_of(options.url) if options.method.lower() == "post" and 200 <= response.status_code < 300 else None
    if form is None:
        return None
    return Call(
        sdk=sdk, form=form, options=options, response=response, streamed=streamed, attributed=attributed, seen=seen
    )


def is_retrieval(options: Any) -> bool:
    """Whether the call asks for what was made before."""
    return bool(options.method.lower() == "get")
