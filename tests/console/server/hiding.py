"""What an operator writes for AFTERTAG_REDACT: a module that the server imports by its name."""

import re


def hide(text: str) -> str:
    """Put a sign in the place of a card's number, and fail at what nobody can read."""
    if "unreadable" in text:
        raise ValueError(text)
    return re.sub(r"\d{4}(-\d{4}){3}", "[card]", text)
