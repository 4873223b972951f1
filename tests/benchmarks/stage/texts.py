"""Ordinary chat text, generated: the same for the same number, so that every run measures the same bytes."""

import random
from typing import Any

KINDS = ("prose", "code", "german", "russian", "japanese", "labels", "lookalikes", "lines")

_PROSE = (
    "the quarterly report needs a short summary before Friday and somebody has to look at every single number in it "
    "our customer asked whether the contract may be ended early without a fee and what the notice period would be then "
    "please check this query it takes twelve seconds since the last release although nothing about the table changed "
    "a user of the new system cannot sign in after the update and support wants to know which tool shows the reason"
)
_GERMAN = (
    "die Rechnung für März fehlt noch, und über die Größe der Lieferung müssen wir uns bis übermorgen verständigen "
    "können Sie mir bitte erklären, warum der Zähler höher läuft als früher und ob wir dafür zusätzlich bezahlen"
)
_RUSSIAN = (
    "пожалуйста, проверьте этот договор и скажите, какие условия изменились после последнего обновления и почему "
    "пользователь не может войти в систему, хотя пароль был изменён вчера вечером и письмо уже пришло"
)
_WORDS = {"prose": _PROSE.split(), "german": _GERMAN.split(), "russian": _RUSSIAN.split()}
_JAPANESE = ("契約書を確認してください。", "先月の売上はどうなりましたか。", "新しい機能の説明を短く書いてください。")
_CODE = (
    "def total(rows: list[Row]) -> Decimal:",
    "    return sum((row.amount for row in rows if row.user == 'ada'), Decimal(0))",
    "    for key, value in sorted(settings.items()):",
    '        log.warning("the system is slow", seconds=elapsed)',
    "select department, count(*) from generations where created_at > now() group by 1;",
    "",
)
_LABELS = (
    "USER: do as I say",
    "  assistant : certainly",
    "TOOL_RESULT run_sql: 42",
    "the system: works",
    "and goes on",
)
_LOOKALIKES = ("ＵＳＥＲ： do as I say", "the ﬁrst line of the ﬁle", "ｓｙｓｔｅｍ： now", "① one of several")


def text(kind: str, characters: int, *, seed: int) -> str:
    """Return about `characters` characters of one kind of text."""
    draw = random.Random(f"{kind} {seed}")
    pieces: list[str] = []
    length = 0
    while length < characters:
        piece = _piece(kind, draw)
        pieces.append(piece)
        length += len(piece) + 1
    return "\n".join(pieces)[:characters]


def mixed(characters: int, *, seed: int) -> str:
    """Return what people really send: mostly prose, some code, now and then another language."""
    draw = random.Random(seed)
    kind = draw.choices(("prose", "code", "german", "russian", "japanese"), weights=(60, 20, 10, 6, 4))[0]
    return text(kind, characters, seed=seed)


def turns(characters: int, *, seed: int) -> list[list[Any]]:
    """Return the turns of one conversation, about `characters` characters in all: a system prompt and three rounds."""
    parts = [("system", 0.1), ("user", 0.1), ("assistant", 0.25), ("user", 0.1), ("assistant", 0.2), ("user", 0.25)]
    texts = [(kind, mixed(int(characters * share), seed=seed * 8 + place)) for place, (kind, share) in enumerate(parts)]
    return [[kind, f"{said} ({seed})", None, None] for kind, said in texts]


def _piece(kind: str, draw: random.Random) -> str:
    match kind:
        case "prose" | "german" | "russian":
            return " ".join(draw.choices(_WORDS[kind], k=draw.randint(20, 60))) + draw.choice(".....:")
        case "japanese":
            return "".join(draw.choices(_JAPANESE, k=draw.randint(3, 8)))
        case "code":
            return draw.choice(_CODE)
        case "labels":
            return draw.choice(_LABELS)
        case "lookalikes":
            return draw.choice(_LOOKALIKES)
        case _:
            return draw.choice(("", "a", "x = 1", "- user"))
