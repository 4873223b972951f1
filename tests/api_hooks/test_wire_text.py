"""Text that Postgres can store, and usage that was read before: the quick ways say what the long ones do."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_hooks import wire
from api_hooks.wire import text

ANY = st.text(st.characters(exclude_categories=()), max_size=50)


@given(ANY)
def test_nul_and_lone_surrogates_become_a_sign_and_nothing_else_changes(given: str) -> None:
    assert text.clean(given) == re.sub("[\x00\ud800-\udfff]", "\ufffd", given)
    text.clean(given).encode()


@pytest.mark.parametrize(("name", "spelling"), [("prompt", "prompt_tokens"), ("completion", "completion_tokens")])
@pytest.mark.parametrize("count", [0, 7, "12", 3.0, 2.5, -1, True, None, 10**13])
def test_usage_by_our_own_names_is_read_as_by_a_providers(name: str, spelling: str, count: object) -> None:
    theirs = wire.normalise_usage({spelling: count, "cached_tokens": 4})
    assert wire.normalise_usage({name: count, "cached": 4}) == theirs
    assert wire.normalise_usage(theirs) == theirs
