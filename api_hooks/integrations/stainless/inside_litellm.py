"""Whether a call is LiteLLM's own, and its callback of ours reports it: then it is LiteLLM's to tell, and not the SDK's.

LiteLLM knows more of it: its team, its metadata, its cost. Only of a stream that its reader abandons it tells nobody.
"""

import sys
from collections.abc import Mapping
from typing import Any

_INTEGRATION = "api_hooks.integrations.litellm"
_ITS_PROVIDERS = "litellm.llms."
_ITS_CALLS = "litellm.main"
_FRAMES_AT_MOST = 25
"""Measured: LiteLLM's first frame is the third to the sixth above the SDK's; wrappers of the SDK stand between."""


def attribution_of_call() -> Mapping[str, Any] | None:
    """What LiteLLM was told of who calls, where the caller up the stack is LiteLLM and reports it; else None.

    Costs nothing to speak of, 0.1 µs, in a program without our LiteLLM callback.
    """
    integration = sys.modules.get(_INTEGRATION)
    if integration is None or not _is_up_the_stack() or not integration.is_registered():
        return None
    told: Mapping[str, Any] = integration.told_before_the_call()
    return told


def _is_up_the_stack() -> bool:
    """Frames of callbacks and guardrails are of other modules: a call that one of those makes is nobody else's to tell."""
    frame = sys._getframe(2)
    for _ in range(_FRAMES_AT_MOST):
        name = frame.f_globals.get("__name__")
        if type(name) is str and (name == _ITS_CALLS or name.startswith(_ITS_PROVIDERS)):
            return True
        if frame.f_back is None:
            return False
        frame = frame.f_back
    return False
