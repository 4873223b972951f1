from collections import OrderedDict, UserDict, defaultdict, deque
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import pytest

from api_hooks import standins, wire
from api_hooks.snapshot import taken
from api_hooks.wire import TURNS_AT_MOST
from tests.api_hooks import hostile


def snapshot(messages: Any, output: Any = None) -> Any:
    return taken(messages, output, {})[0]


def size(messages: Any, output: Any = None, **rest: Any) -> int:
    return taken(messages, output, rest)[2]


def test_appending_to_the_messages_after_the_call_does_not_change_the_snapshot() -> None:
    messages = [{"role": "user", "content": "before"}]
    kept = snapshot(messages)
    messages.append({"role": "user", "content": "after"})
    assert kept == [("user", "before")]


def test_editing_messages_parts_and_calls_after_the_call_does_not_change_the_snapshot() -> None:
    plain = {"role": "user", "content": "before"}
    parts = {"role": "user", "content": [{"type": "text", "text": "before"}]}
    calls: dict[str, Any] = {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "before"}}]}
    kept = snapshot([plain, parts, calls])
    plain["content"] = "after"
    parts["content"][0]["text"] = "after"  # type: ignore[index]
    calls["tool_calls"][0]["function"]["arguments"] = "after"
    assert "after" not in str(kept)


def test_editing_metadata_usage_and_output_after_the_call_does_not_change_the_snapshot() -> None:
    output = {"role": "assistant", "content": "before"}
    rest: dict[str, Any] = {"metadata": {"k": "before"}, "usage": {"prompt": 1}}
    given = dict(rest)
    _, kept, _ = taken(None, output, rest)
    output["content"] = given["metadata"]["k"] = "after"
    given["usage"]["prompt"] = 2
    assert (kept["content"], rest) == ("before", {"metadata": {"k": "before"}, "usage": {"prompt": 1}})


def test_no_method_of_somebody_elses_class_is_called() -> None:
    worst = hostile.RaisesOnEverything()
    messages = [worst, hostile.HostileDict(role="user"), {"role": worst, "content": hostile.HostileStr("x")}]
    kept = snapshot(hostile.HostileList([*messages, (worst,)]), worst)
    assert type(kept) is list
    assert list.__len__(kept) == 4
    assert kept[1:3] == [{"role": "user"}, {"role": kept[2]["role"], "content": kept[2]["content"]}]


def test_no_method_of_a_class_of_metadata_usage_or_tools_is_called() -> None:
    worst = hostile.RaisesOnEverything()
    rest: dict[str, Any] = {
        "metadata": hostile.HostileDict(k="kept"),
        "tools": hostile.HostileList([worst, MappingProxyType(hostile.HostileDict(name="kept"))]),
        "usage": worst,
        "user": hostile.HostileStr("x"),
    }
    taken(None, None, rest)
    assert rest["metadata"] == {"k": "kept"}
    assert rest["tools"][1] == {"name": "kept"}
    assert type(rest["usage"]) is hostile.RaisesOnEverything


def test_what_refers_to_itself_is_copied_only_so_deep() -> None:
    snapshot(hostile.recursive_list())
    snapshot([hostile.recursive_message()])
    snapshot([hostile.nested(100_000)])


def test_the_size_counts_texts_wherever_they_stand() -> None:
    text = "x" * 100_000
    shapes: list[Any] = [
        [{"role": "user", "content": text}],
        [{"role": "user", "content": [{"type": "text", "text": text}]}],
        [{"role": "assistant", "tool_calls": [{"function": {"arguments": text}}]}],
        [hostile.HostileStr(text)],
        text,
    ]
    for shape in shapes:
        assert 100_000 <= size(shape) < 103_000
        assert 100_000 <= size(None, shape) < 103_000
    assert 100_000 <= size(None, None, metadata={"k": text}) < 103_000
    assert 100_000 <= size(None, None, user=text) < 103_000


def test_the_size_counts_what_an_object_keeps() -> None:
    class Message:
        def __init__(self) -> None:
            self.content = "x" * 100_000

    assert 100_000 <= size([Message()]) < 103_000


def test_the_size_counts_texts_of_metadata_usage_tools_and_names_of_other_classes() -> None:
    text = "x" * 5_000_000
    shapes: list[Any] = [
        OrderedDict(k=text),
        MappingProxyType({"k": text}),
        MappingProxyType(OrderedDict(k=text)),
        UserDict({"k": text}),
        hostile.HostileDict(k=text),
        ({"name": "f", "description": text},),
        hostile.HostileList([text]),
        {text},
        Function(text),
        hostile.HostileStr(text),
        text.encode(),
        [[[[[[[[[MappingProxyType({"k": text})]]]]]]]]],
    ]
    for shape in shapes:
        for name in ("metadata", "tools", "usage", "user"):
            assert 5_000_000 <= size(None, None, **{name: shape}) < 5_010_000, (name, str(type(shape)))


@dataclass
class Function:
    arguments: Any


@dataclass(slots=True)
class Message:
    """As an SDK's: attributes in slots and in a `__dict__`, and more objects in them."""

    content: Any
    calls: Any = None


class Guarded:
    """An object whose class has a say in whatever is done to it, the ordinary way."""

    __slots__ = ("__dict__", "__hidden", "text")
    asked: ClassVar[list[str]] = []

    def __new__(cls) -> "Guarded":
        cls.asked.append("__new__")
        return object.__new__(cls)

    def __getattribute__(self, name: str) -> Any:
        Guarded.asked.append(name)
        return object.__getattribute__(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        Guarded.asked.append(name)
        object.__setattr__(self, name, value)


class Pair(NamedTuple):
    role: str
    content: str


class Colour(Enum):
    RED = "red"


def test_the_size_counts_what_dicts_of_other_classes_slots_and_depths_hold() -> None:
    text = "x" * 5_000_000
    shapes: list[Any] = [
        OrderedDict(content=text),
        defaultdict(list, content=[text]),
        hostile.HostileDict(content=text),
        {text: 1},
        {Colour.RED: text},
        Message(text),
        Message([Function(text)]),
        Pair("user", text),
        (Pair("user", text),),
        {text},
        frozenset({text}),
        deque([text]),
        bytearray(5_000_000),
        [[[[[[[[[text]]]]]]]]],
        [[[[[[[[[OrderedDict(a=(text,))]]]]]]]]],
        [[[[[[[[[Message(text)]]]]]]]]],
        [[[[[[[[[Function(text)]]]]]]]]],
    ]
    for shape in shapes:
        for kept in (size([shape]), size(None, shape), size(None, None, metadata={"k": shape})):
            assert 5_000_000 <= kept < 5_010_000, str(type(shape))


def test_texts_that_one_list_holds_below_the_depth_of_copies_count_however_many_they_are() -> None:
    deep = hostile.nested(20)
    assert size([[deep], [{"type": "text", "content": ["y" * 100] * 1_000}]]) > 100_000


def test_more_containers_than_are_counted_are_larger_than_any_buffer() -> None:
    assert size([[[]] * 61_000]) > 1 << 50
    assert size([[[[[[[[[[[] for _ in range(61_000)]]]]]]]]]]) > 1 << 50
    assert size([[[]] * 50_000]) < 10_000_000


def test_what_hangs_together_with_an_object_is_charged_and_refuses_no_generation() -> None:
    half_the_application = Function([[] for _ in range(100_000)])
    assert 10_000_000 < size([{"role": "user", "content": "x", "client": half_the_application}]) < 40_000_000


def test_an_object_where_a_name_belongs_is_not_copied_in_depth() -> None:
    of_a_database = Function(Function([[] for _ in range(100_000)]))
    assert size(None, None, user=of_a_database) < 5_000


def test_editing_dicts_of_other_classes_after_the_call_does_not_change_the_snapshot() -> None:
    ordered: Any = OrderedDict(role="user", content=[OrderedDict(type="text", text="before")])
    kept = snapshot([ordered], ordered)
    ordered["content"][0]["text"] = "after"
    ordered["role"] = "after"
    assert kept == [{"role": "user", "content": [{"type": "text", "text": "before"}]}]
    assert type(kept[0]) is type(kept[0]["content"][0]) is dict


def test_editing_metadata_usage_and_tools_of_other_classes_after_the_call_does_not_change_the_snapshot() -> None:
    ordered, shown, usage, tool = OrderedDict(k="before"), {"k": "before"}, Function("before"), {"name": "before"}
    rest: dict[str, Any] = {"metadata": ordered, "usage": usage, "tools": (tool,)}
    more: dict[str, Any] = {"metadata": MappingProxyType(shown), "usage": UserDict(shown)}
    taken(None, None, rest)
    taken(None, None, more)
    ordered["k"] = shown["k"] = usage.arguments = tool["name"] = "after"
    assert rest == {"metadata": {"k": "before"}, "usage": Function("before"), "tools": ({"name": "before"},)}
    assert more == {"metadata": {"k": "before"}, "usage": UserDict({"k": "before"})}


def test_of_more_messages_than_are_recorded_the_first_and_last_are_taken_and_the_others_counted() -> None:
    said = [{"role": "user", "content": str(number)} for number in range(TURNS_AT_MOST + 7)]
    rest: dict[str, Any] = {}
    kept, _, weighed = taken(said, None, rest)
    half = TURNS_AT_MOST // 2
    assert [text for _, text in kept] == [one["content"] for one in (*said[:half], *said[-half:])]
    assert rest == {"left_out": 7}
    assert weighed < 200 * TURNS_AT_MOST
    assert len(said) == TURNS_AT_MOST + 7
    fixed: dict[str, Any] = {"now": datetime(2026, 1, 1, tzinfo=UTC), "random_bytes": bytes(10)}
    document = {"workspace": "w", "output": "x" * 10}
    whole = wire.generation({"messages": said, **document}, **fixed)
    assert wire.generation({"messages": kept, **rest, **document}, **fixed) == whole
    assert whole["left_out"] == 8
    as_many: dict[str, Any] = {}
    assert len(taken(said[:TURNS_AT_MOST], None, as_many)[0]) == TURNS_AT_MOST
    assert as_many == {}


def test_editing_objects_after_the_call_does_not_change_the_snapshot() -> None:
    message = Message("before", [Function({"k": ["before"]})])
    [kept] = snapshot([message])
    _, output, _ = taken(None, message, {})
    message.calls[0].arguments["k"][0] = "after"
    message.calls.append("after")
    message.content = "after"
    assert kept == output == Message("before", [Function({"k": ["before"]})])


def test_objects_are_copied_without_asking_their_class() -> None:
    guarded = Guarded()
    object.__setattr__(guarded, "text", "before")
    object.__setattr__(guarded, "_Guarded__hidden", "before")
    object.__setattr__(guarded, "role", "before")
    Guarded.asked.clear()
    [kept] = snapshot([guarded])
    assert Guarded.asked == []
    object.__setattr__(guarded, "text", "after")
    assert type(kept) is Guarded
    assert [object.__getattribute__(kept, name) for name in ("text", "_Guarded__hidden", "role")] == ["before"] * 3


def test_however_many_classes_there_are_few_are_kept() -> None:
    for number in range(1_100):
        made = type(f"Class{number}", (), {"__slots__": ("text",)})()
        made.text = "x" * number
        [kept] = snapshot([made])
        assert (type(kept), kept.text) == (type(made), made.text)
    assert len(standins._seen) <= 500


def test_what_would_end_twice_is_one_of_its_kind_or_made_in_c_is_kept_as_it_is() -> None:
    class Ends:
        def __del__(self) -> None:
            """Closes what it has, once."""

    class OddError(ValueError):
        pass

    for kept_as_it_is in (Ends(), OddError("x"), Colour.RED, Colour, pytest, snapshot, iter([1]), range(3)):
        assert snapshot([kept_as_it_is])[0] is kept_as_it_is
