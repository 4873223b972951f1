"""In your own tests: see what your code hands over, without Redis, server or worker."""

from collections.abc import Iterator

import pytest

import api_hooks
import api_hooks.testing


@pytest.fixture
def generations() -> Iterator[api_hooks.testing.Captured]:
    with api_hooks.testing.captured() as found:
        yield found


def answer(question: str) -> str:
    """Stands for your code."""
    api_hooks.enqueue(question, "It scatters.", model="gpt-5-mini", user="u-17")
    return "It scatters."


def test_an_answer_is_handed_over(generations: api_hooks.testing.Captured) -> None:
    answer("Why is the sky blue?")
    assert [(one.model, one.user) for one in generations] == [("gpt-5-mini", "u-17")]
    assert generations[0].turns[-1].text == "It scatters."
