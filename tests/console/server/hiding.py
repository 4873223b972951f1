"""What an operator writes for AFTERTAG_REDACT: a module that the server imports by its name."""

import re
import uuid
from pathlib import Path

from tests.waiting import wait_until


def hide(text: str) -> str:
    """Put a sign in the place of a card's number, fail at what nobody can read, and take its time when it is told to."""
    if "unreadable" in text:
        raise ValueError(text)
    if text.startswith("wait in "):
        folder = Path(text.removeprefix("wait in "))
        (folder / f"begun-{uuid.uuid4()}").touch()
        wait_until((folder / "go on").exists)
    return re.sub(r"\d{4}(-\d{4}){3}", "[card]", text)
