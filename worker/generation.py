"""What comes in over the wire, checked: the one place where a generation from outside is decoded; recording is next."""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, Protocol, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from api_hooks import wire

WORKSPACE_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"
FUTURE_ALLOWED = timedelta(hours=24)

_PICODOLLAR = Decimal("1e-12")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def _in_utc(created_at: datetime) -> datetime:
    if created_at.tzinfo is None:
        raise ValueError("needs a time zone, such as +00:00")
    try:
        return created_at.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies outside the years 1 to 9999 in UTC") from None


Moment = Annotated[datetime, AfterValidator(_in_utc)]
Short = Annotated[str, Field(max_length=512)]
Tokens = Annotated[int, Field(ge=0, le=10**12)]
Characters = Annotated[int, Field(ge=0, le=10**12)]
Turn = tuple[
    Literal["system", "user", "assistant", "tool_call", "tool_result"],
    Annotated[str, Field(max_length=wire.TURN_CHARACTERS + 1)],
    Annotated[str, Field(max_length=512)] | None,
    Characters | None,
]


class Usage(BaseModel):
    """Tokens as the application's provider reported them; None when it did not say."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    prompt: Tokens | None = None
    completion: Tokens | None = None
    cached: Tokens | None = None
    reasoning: Tokens | None = None


class Generation(BaseModel):
    """One completed LLM call as it came over the wire (version 1); its text stays out of its repr."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Annotated[str, Field(min_length=1, max_length=200)]
    id_given: bool = True
    workspace: Annotated[str, Field(pattern=WORKSPACE_PATTERN)]
    created_at: Moment
    model: Short | None = None
    provider: Short | None = None
    turns: Annotated[list[Turn], Field(max_length=20_000, repr=False)] = []
    tools: Annotated[list[Short], Field(max_length=2_000, repr=False)] = []
    usage: Usage = Usage()
    cost_usd: Annotated[Decimal, Field(ge=0, lt=10**9, allow_inf_nan=False)] | None = None
    latency_ms: Annotated[float, Field(ge=0, lt=10**9, allow_inf_nan=False)] | None = None
    finish_reason: Short | None = None
    streamed: bool = False
    user: Short | None = None
    session_id: Short | None = None
    app: Short | None = None
    api_key_name: Short | None = None
    metadata: Annotated[dict[Short, Short], Field(max_length=64, repr=False)] = {}
    left_out: Annotated[int, Field(ge=0, le=10**9)] = 0
    own_call: Annotated[str, Field(pattern=f"^{wire.OWN_CALL_MARK}$")] | None = None
    source_rate: Annotated[float, Field(ge=0, le=1)] | None = None
    source_draw: Annotated[float, Field(ge=0, le=1)] = 1.0

    @field_validator("own_call", mode="before")
    @classmethod
    def _as_a_mark(cls, own_call: object) -> object:
        # A hook of before there were marks says True.
        return (wire.OWN_CALL_UNSIGNED if own_call else None) if isinstance(own_call, bool) else own_call

    @field_validator("cost_usd")
    @classmethod
    def _in_picodollars(cls, cost_usd: Decimal | None) -> Decimal | None:
        # 1e-400000 is a number to Decimal and none to Postgres.
        return None if cost_usd is None else cost_usd.quantize(_PICODOLLAR)


_GENERATION = TypeAdapter(Generation)


class Unacceptable(ValueError):  # noqa: N818 - an ordinary end of checking, turned into a set-aside row
    """A generation that cannot be recorded; the message names the field and never quotes the input."""


class Timed(Protocol):
    """What has its day."""

    @property
    def created_at(self) -> datetime: ...


Checked = TypeVar("Checked", bound=Timed)


def read(
    document: object,
    *,
    now: datetime,
    past: timedelta,
    advice: str = "import takes any age",
    is_storable: bool = False,
) -> Generation:
    """Check one generation of a batch; raise Unacceptable when it cannot be recorded as it is.

    NUL bytes and lone surrogates, which Postgres cannot store, become U+FFFD. `created_at` has to lie between
    `now - past` and a day ahead, because its day needs a partition; `advice` says what else there is. `is_storable` says
    that `wire.generation` has just built it here, which replaces those characters: looking again is a tenth of a request.
    """
    clean = document if is_storable else storable(document)
    return checked(_GENERATION, clean, now=now, past=past, advice=advice, whole="generation")


def checked(
    adapter: "TypeAdapter[Checked]", document: object, *, now: datetime, past: timedelta, advice: str, whole: str
) -> Checked:
    """Check a storable document of any kind as `read` does; `whole` names the kind."""
    try:
        found = adapter.validate_python(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise Unacceptable(f"{_path(first['loc'], whole=whole)}: {first['msg']}") from None
    if not now - past <= found.created_at <= now + FUTURE_ALLOWED:
        raise Unacceptable(
            f"created_at: {found.created_at:%Y-%m-%d} is implausible; "
            f"it takes the last {past.days:,} days to one day ahead ({advice})"
        )
    return found


def _path(location: tuple[int | str, ...], *, whole: str) -> str:
    """Where it is, in our own words: the keys of a generation's metadata are its text."""
    inside = location[:1] if location[:1] == ("metadata",) else location
    return ".".join(map(str, inside)) or whole


def storable(document: object) -> object:
    """`document` as it is when Postgres can store all its text, else with U+FFFD for what it cannot."""
    try:
        encoded = json.dumps(document, ensure_ascii=False, default=str)
        encoded.encode()
    except (UnicodeEncodeError, RecursionError, ValueError):
        return _cleaned(document, depth=0)
    return _cleaned(document, depth=0) if "\\u0000" in encoded else document


def _cleaned(document: object, *, depth: int) -> Any:
    if isinstance(document, str):
        return _LONE_SURROGATE.sub("\ufffd", document).replace("\x00", "\ufffd")
    if depth > 8:
        return None
    if isinstance(document, dict):
        return {_cleaned(key, depth=depth + 1): _cleaned(value, depth=depth + 1) for key, value in document.items()}
    if isinstance(document, list | tuple):
        return [_cleaned(value, depth=depth + 1) for value in document]
    return document
