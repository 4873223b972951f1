"""Guard the application's `redact`: whatever it raises or returns, the text is withheld, and the generation is sent.

`configure(redact=…)` takes a function from text to text. It is called on the sending thread, for every turn, tool calls
and results too, and for comments of feedback; names, users and metadata are not shown to it. It sees up to 20,000
characters of a text, before what is sent of it is cut to 5,001: a secret of up to 5,000 characters is seen whole or not
sent at all. Generations wait for it in the buffer: it should take milliseconds. A fork does not
wait for it: an application that forks imports beforehand what it needs, as for any other thread.
"""

from collections.abc import Callable


class Redactor:
    """Calls `redact`. Return None, and tell what was wrong, when it raises or returns no text."""

    def __init__(self, redact: Callable[[str], str], *, on_failure: Callable[[str], None]) -> None:
        self._redact = redact
        self._on_failure = on_failure

    def __call__(self, text: str) -> str | None:
        try:
            redacted: object = self._redact(text)
        except BaseException as error:  # noqa: BLE001 - also SystemExit: this thread and this generation go on
            self._on_failure(type(error).__name__)
            return None
        if isinstance(redacted, str):
            return redacted
        self._on_failure(f"{type(redacted).__name__} as its result, which is no text")
        return None
