"""What an object of a Python class holds, and another object of its class that holds copies of that, for the buffer.

No method of the class is called: its attributes are read and written through the interpreter's own descriptors, which
`__getattribute__`, `__setattr__`, properties and `__new__` of the class are not asked about.
"""

from collections.abc import Iterator
from enum import Enum
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import Any

_mro = type.__dict__["__mro__"].__get__
_namespace = type.__dict__["__dict__"].__get__
_name = type.__dict__["__name__"].__get__

Place = GetSetDescriptorType | MemberDescriptorType

# By id, because a class may have a hash of its own; each is kept with its class, so that no other one gets its id.
_seen: dict[int, tuple[type, tuple[Place, ...], bool]] = {}
_SEEN_AT_MOST = 500


def places(value: Any) -> list[tuple[Place, Any]]:
    """Return where the object keeps what (its `__dict__`, and each slot), as the interpreter's descriptors with values."""
    kind = type(value)
    held = []
    for place in _looked_at(kind)[1]:
        try:
            held.append((place, place.__get__(value, kind)))
        except AttributeError:
            continue  # a slot that is not filled
    return held


def standin(value: Any, held: list[tuple[Place, Any]]) -> Any:
    """Return an object of the same class that keeps `held`; the object itself where none can be made safely.

    That is so where the class has a finalizer, which would run twice, or is made in C.
    """
    kind = type(value)
    if not held or _looked_at(kind)[2]:
        return value
    try:
        made = object.__new__(kind)
        for place, inner in held:
            place.__set__(made, inner)
    except (TypeError, AttributeError):
        return value
    return made


def _looked_at(kind: type) -> tuple[type, tuple[Place, ...], bool]:
    """The class, its places, and whether it has a finalizer; looked at once."""
    seen = _seen.get(id(kind))
    if seen is None:
        if len(_seen) >= _SEEN_AT_MOST:
            _seen.clear()
        is_closed = issubclass(kind, (type, ModuleType, FunctionType, Enum))
        has_finalizer = any("__del__" in _namespace(above) for above in _mro(kind))
        seen = _seen[id(kind)] = (kind, () if is_closed else tuple(_places(kind)), has_finalizer)
    return seen


def _places(kind: type) -> Iterator[Place]:
    is_dict_found = False
    for above in _mro(kind):
        namespace = _namespace(above)
        if not is_dict_found and "__dict__" in namespace:
            is_dict_found = True
            if type(namespace["__dict__"]) is GetSetDescriptorType:
                yield namespace["__dict__"]
        names = namespace.get("__slots__", ())
        for name in (names,) if type(names) is str else names if type(names) in (tuple, list, dict) else ():
            if type(name) is str:
                slot = namespace.get(_mangled(name, above))
                if type(slot) is MemberDescriptorType:
                    yield slot


def _mangled(name: str, owner: type) -> str:
    if name[:2] == "__" and name[-2:] != "__":
        return f"_{_name(owner).lstrip('_')}{name}"
    return name
