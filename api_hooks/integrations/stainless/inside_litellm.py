"""Whether a call is LiteLLM's own, and its callback of ours reports it: then it is LiteLLM's to tell, and not the SDK's.

LiteLLM knows more of it: its team, its metadata, its cost. Only of a stream that its reader abandons it tells nobody.
"""

import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any

INTEGRATION = "api_hooks.integrations.litellm"
"""The module of our callback: where nobody has imported it, no call is LiteLLM's to tell."""

_ITS_PROVIDERS = "litellm.llms."
_ITS_CALLS = "litellm.main"
_ITS_ACCOUNT = "logging_obj"
"""What LiteLLM's functions call what they keep of a call, with the callbacks that were named for this one only."""

_FRAMES_AT_MOST = 25
"""Measured: LiteLLM's first frame is the third to the sixth above the SDK's; wrappers of the SDK stand between."""


def attribution_of_call(*, is_async: bool) -> Mapping[str, Any] | None:
    """What LiteLLM was told of who calls, where the caller up the stack is LiteLLM and reports it; else None."""
    integration = sys.modules.get(INTEGRATION)
    frame = None if integration is None else _frame_up_the_stack()
    if integration is None or frame is None:
        return None
    told: Mapping[str, Any] | None = integration.told_of(frame.f_locals.get(_ITS_ACCOUNT), is_async=is_async)
    return told


def _frame_up_the_stack() -> FrameType | None:
    """LiteLLM's own frame, the nearest that knows the call's account, where there is one.

    Frames of callbacks and guardrails are of other modules: a call that one of those makes is nobody else's to tell.
    """
    found = None
    frame: FrameType | None = sys._getframe(2)
    for _ in range(_FRAMES_AT_MOST):
        if frame is None:
            break
        name = frame.f_globals.get("__name__")
        if type(name) is str and (name == _ITS_CALLS or name.startswith(_ITS_PROVIDERS)):
            if _ITS_ACCOUNT in frame.f_code.co_varnames:
                return frame
            found = found or frame
        frame = frame.f_back
    return found
