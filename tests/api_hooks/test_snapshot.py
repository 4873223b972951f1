from typing import Any

from api_hooks.snapshot import taken
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
