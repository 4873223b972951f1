"""Sampling by a sender: which generations go without their text, by the draw that the worker makes, too."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api_hooks.wire.identity import draw


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Keep the text of this share of the generations, or of whole sessions. Usage and cost go in any case."""

    rate: float
    by_session: bool = False

    def draw_of_left_out(self, generation: Mapping[str, Any]) -> float | None:
        """Return the draw of one that goes without its text; None for one that is kept, or whose workspace is not known.

        As in the worker, a generation without a session is drawn by its own id.
        """
        workspace, session = generation["workspace"], generation["session_id"]
        if workspace is None:
            return None
        drawn = draw(workspace, session if self.by_session and session is not None else generation["id"])
        return drawn if drawn >= self.rate else None
