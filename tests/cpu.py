"""What a step costs this thread in CPU time, to be held against another step of the same run.

A bound in seconds would ask how busy the machine is: such figures are a benchmark's.
"""

import time
from collections.abc import Callable
from functools import partial


def least_seconds(step: Callable[[], object], *, rounds: int = 5) -> float:
    """Return the CPU time of the cheapest of some runs: noise only ever adds."""
    return min(_seconds(step) for _ in range(rounds))


def assert_cost_grows_with_size(step: Callable[[int], object], *, size: int, rounds: int = 5) -> None:
    """Fail when `step(size)` costs over 3 times as much per unit of its size as `step(size // 8)`.

    What costs the square of its size costs 8 times as much.
    """
    small = least_seconds(partial(step, size // 8), rounds=rounds)
    large = least_seconds(partial(step, size), rounds=rounds)
    assert large <= 3 * 8 * small, f"of {size // 8}: {small:.6f} s, of {size}: {large:.6f} s"


def _seconds(step: Callable[[], object]) -> float:
    before = time.thread_time()
    step()
    return time.thread_time() - before
