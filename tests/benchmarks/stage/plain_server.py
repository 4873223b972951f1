"""The plain design beside the server: each request's generations in a transaction of their own, on a thread of their own.

`python -m tests.benchmarks.stage.plain_server serve`: `aftertag`, with that one difference.
"""

from console.__main__ import main
from console.server import intake, serving
from console.server.recorders import Place, Recorders
from worker.recorder import Recorder

THREADS = 32
"""As many as there are clients: nobody waits for another's transaction."""


class OneEach(Recorders):
    """Takes one request's generations at a time, up to a transaction's worth of them."""

    def __init__(self, recorder: Recorder, *, at_once: int) -> None:
        super().__init__(recorder, at_once=at_once, threads=THREADS)

    def _next(self) -> list[Place]:
        others = [self._waiting.pop() for _ in range(len(self._waiting) - 1)]
        taken = super()._next()
        self._waiting.extend(reversed(others))
        return taken


if __name__ == "__main__":
    intake.Recorders = OneEach  # type: ignore[misc]
    serving.CONNECTIONS = THREADS + 8
    main()
