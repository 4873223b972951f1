"""Small readings that every convention needs: the first attribute of several, JSON in a text, flattened lists."""

from collections.abc import Iterable, Mapping
from typing import Any

from api_hooks import wire
from api_hooks.wire.inside import opened
from console.server.otlp.spans import Attributes

_STEPS_AT_MOST = 12
_DIGITS_AT_MOST = 6


def first(said: Attributes, names: Iterable[str]) -> Any:
    """The first of these attributes that says something."""
    for name in names:
        value = said.get(name)
        if value is not None and value != "":
            return value
    return None


def first_text(said: Attributes, names: Iterable[str]) -> str | None:
    """The first of these attributes that is text, or a number written as text."""
    for name in names:
        value = said.get(name)
        if isinstance(value, str) and value:
            return value
        if type(value) is int:
            return str(value)
    return None


def as_object(value: Any) -> Mapping[str, Any]:
    """What a text that is JSON says, when that is an object; else an empty one."""
    found = opened(value)
    return found if isinstance(found, dict) else {}


def listed(said: Attributes, prefix: str) -> list[Any]:
    """What stands flattened under `prefix`: `a.0.b` and `a.1.b` are `[{"b": …}, {"b": …}]`, in the order of their numbers."""
    tree: dict[str, Any] = {}
    for name, value in said.items():
        if name.startswith(prefix):
            _plant(tree, name[len(prefix) :].split(".", _STEPS_AT_MOST), value)
    found = _grown({step: branch for step, branch in tree.items() if _is_number(step)})
    return found if isinstance(found, list) else []


def _plant(tree: dict[str, Any], steps: list[str], value: Any) -> None:
    for step in steps[:-1]:
        branch = tree.setdefault(step, {})
        if not isinstance(branch, dict):  # `a` and `a.b` are both there: the first stands
            return
        tree = branch
    tree.setdefault(steps[-1], value)


def _grown(tree: Any) -> Any:
    """Numbered branches as a list, at most as many as a generation has turns."""
    if not isinstance(tree, dict):
        return tree
    if tree and all(map(_is_number, tree)):
        return [_grown(tree[step]) for step in sorted(tree, key=int)[: wire.TURNS_AT_MOST + 1]]
    return {step: _grown(branch) for step, branch in tree.items()}


def _is_number(step: str) -> bool:
    return step.isdecimal() and len(step) <= _DIGITS_AT_MOST
