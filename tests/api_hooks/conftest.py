from collections.abc import Iterator

import pytest

import api_hooks


@pytest.fixture
def closes_the_hook() -> Iterator[None]:
    """The process's own hook, which the test configures, is closed afterwards and sends nothing more."""
    yield
    api_hooks.close(0.0)
    api_hooks.configure(url="redis://127.0.0.1:1/0")
    api_hooks.close(0.0)
