"""A clock whose time passes when the test says so."""


class Clock:
    """Seconds since whenever; `now` is the test's to move."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now
