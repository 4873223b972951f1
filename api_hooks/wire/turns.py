"""Messages of several APIs in, turns out: chat completions, Anthropic, Responses, and what resembles them."""

from collections.abc import Iterator
from typing import Any

from api_hooks.wire.content import Call, Result, pieces, text_of
from api_hooks.wire.contract import UNREADABLE
from api_hooks.wire.reading import elements, field, is_message, is_sequence, opened, word
from api_hooks.wire.text import KEPT_CHARACTERS, as_json, cut, cut_lines, plain, short
from api_hooks.wire.tools import tool_names

Turn = list[Any]

_KIND_OF_ROLE = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "model": "assistant",
    "tool": "tool_result",
    "function": "tool_result",
}


def normalise_messages(
    messages: Any, output: Any = None, tools: Any = None, *, most: int = KEPT_CHARACTERS
) -> tuple[list[Turn], list[str]]:
    """Return the turns `[kind, text, name, length]` and the names of the tools. Never raises; see the package's table.

    `output` is what the call returned: text, a message, or a whole response of chat completions, Anthropic or
    Responses. `name` stands with tool calls and results, `length` where a text was cut, to `most` characters.
    """
    transcript = _Transcript(most)
    for message in _guarded(_listed, messages):
        transcript.add(message, "user")
    for message in _guarded(_answers, output):
        transcript.add(message, "assistant")
    return transcript.turns, list(_guarded(tool_names, tools))


class _Transcript:
    def __init__(self, most: int) -> None:
        self.turns: list[Turn] = []
        self._most = most
        self._name_of_call: dict[str, str] = {}

    def add(self, message: Any, otherwise: str) -> None:
        """Append a message's turns; `otherwise` is the kind of one that names no role."""
        said = len(self.turns)
        try:
            pair = _pair(message)
            if pair is not None:
                role, content = pair
                kind = _KIND_OF_ROLE.get(role, "tool_result")
                if kind != "tool_result":  # the commonest messages, without detours
                    text, length = cut(content, self._most)
                    self.turns.append([kind, text, None, length])
                    return
                message = {"role": role, "content": content}
            self._add(message, otherwise)
        except BaseException:  # noqa: BLE001 - reading other people's objects may raise anything, also SystemExit
            del self.turns[said:]
            self.turns.append([otherwise, UNREADABLE, None, None])

    def _add(self, message: Any, otherwise: str) -> None:
        if message is None:
            return
        if isinstance(message, str | bytes | bytearray):
            self._say(otherwise, [text_of(message)])
            return
        message = opened(message)
        if not is_message(message):
            self._say(otherwise, [UNREADABLE])
            return
        if word(message, "role") is None and (word(message, "type") or "message") not in ("message", *_KIND_OF_ROLE):
            self._speak(otherwise, [message], is_alone=False)  # an item of Responses, or a part without its message
            return
        kind = _kind(message, otherwise)
        content = field(message, "content", "parts", "text")
        if kind == "tool_result" and not _has_results(content):
            self._hear(Result(field(message, "tool_call_id", "call_id", "id"), word(message, "name"), content))
            return
        self._speak(kind, content, calls=_calls(message), beside=_beside(message))

    def _speak(self, kind: str, content: Any, *, calls: Any = (), beside: Any = (), is_alone: bool = True) -> None:
        """Append the turns of one message: runs of text, and what stands between them, in order."""
        said = len(self.turns)
        lines: list[str] = []
        for piece in (*pieces(content), *beside, *calls):
            if isinstance(piece, str):
                lines.append(piece)
                continue
            if any(lines):
                self._say(kind, lines)
            lines = []
            if isinstance(piece, Call):
                self._call(piece)
            else:
                self._hear(piece)
        if any(lines) or (is_alone and len(self.turns) == said):
            self._say(kind, lines)

    def _say(self, kind: str, lines: list[str]) -> None:
        if kind == "tool_result":
            kind = "user"
        text, length = cut_lines(lines, self._most) if lines else ("", None)
        self.turns.append([kind, text, None, length])

    def _call(self, call: Call) -> None:
        name = short(call.name)
        if name is not None and isinstance(call.id, str):
            self._name_of_call[plain(call.id)] = name
        arguments = call.arguments
        if arguments is None:
            arguments = ""
        text, length = cut(plain(arguments) if isinstance(arguments, str) else as_json(arguments), self._most)
        self.turns.append(["tool_call", text, name, length])

    def _hear(self, result: Result) -> None:
        name = short(result.name)
        if name is None and isinstance(result.id, str):
            name = self._name_of_call.get(plain(result.id))
        text, length = cut(text_of(result.content), self._most)
        self.turns.append(["tool_result", text, name, length])


def _pair(message: Any) -> tuple[str, str] | None:
    """Return (role, content) of a message that is no more: as LangChain takes it and snapshots keep it, or as JSON has it."""
    if type(message) is dict:
        if len(message) != 2:
            return None
        role, content = message.get("role"), message.get("content")
    elif type(message) is tuple and len(message) == 2:
        role, content = message
    else:
        return None
    return (role, content) if type(role) is str and type(content) is str else None


def _kind(message: Any, otherwise: str) -> str:
    role = word(message, "role")
    if role is None:
        return _KIND_OF_ROLE.get(word(message, "type") or "", otherwise)
    return _KIND_OF_ROLE.get(role) or _KIND_OF_ROLE.get(role[:20].lower(), "user")


def _calls(message: Any) -> Iterator[Call]:
    given = field(message, "tool_calls")
    for call in elements(given) if given is not None and is_sequence(given) else ():
        yield Call.read(call)
    legacy = field(message, "function_call")
    if legacy is not None and word(legacy, "name") is not None:
        yield Call.read(legacy)


def _beside(message: Any) -> Iterator[str]:
    """What an assistant's message says elsewhere than in its content."""
    refusal = word(message, "refusal")
    if refusal:
        yield refusal
    audio = field(message, "audio")
    if audio is not None:
        yield word(audio, "transcript") or "[audio]"


def _has_results(content: Any) -> bool:
    return isinstance(content, list) and any(isinstance(piece, Result) for piece in pieces(content))


def _guarded(read: Any, given: Any) -> Any:
    try:
        return read(given)
    except BaseException:  # noqa: BLE001 - see _Transcript.add
        return [UNREADABLE]


def _listed(given: Any) -> list[Any]:
    if given is None:
        return []
    if isinstance(given, list):
        return list.copy(given)
    if isinstance(given, str | bytes | bytearray):
        return [given]
    given = opened(given)
    if is_message(given):
        return _asked(given) or [given]
    return elements(given) if is_sequence(given) else [UNREADABLE]


def _asked(given: Any) -> list[Any]:
    """The messages in the body of a whole request, its system prompt first; none when it is a message itself."""
    asked = field(given, "messages", "input", "contents")
    if asked is None or word(given, "role", "type") is not None:
        return []
    system = field(given, "system", "instructions", "system_instruction", "systemInstruction")
    if system is None:
        return _flat(asked)
    parts = None if isinstance(system, str | list) else field(system, "parts")  # Gemini's is a message without a role
    return [{"role": "system", "content": system if parts is None else parts}, *_flat(asked)]


def _flat(asked: Any) -> list[Any]:
    if isinstance(asked, str):
        return [asked]
    return elements(asked) if is_sequence(asked) else [UNREADABLE]


def _answers(output: Any) -> list[Any]:
    """The messages in what a call returned."""
    if output is None or isinstance(output, str | bytes | bytearray):
        return _listed(output)
    for name, inner in (("choices", ("message", "delta", "text")), ("candidates", ("content",)), ("output", ())):
        found = field(output, name)
        if isinstance(found, list | tuple):
            return [field(answer, *inner) if inner else answer for answer in found]
    return _listed(output)
