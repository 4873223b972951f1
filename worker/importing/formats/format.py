"""What every format is: a name, a way to recognise its rows, and a way to read them into documents."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from worker.importing.beside import Beside

Document = dict[str, Any]
"""A generation with the arguments of `api_hooks.enqueue` as keys."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that is no generation, or none that was completed; `kind` says in a word or two what it is."""

    kind: str


@dataclass(frozen=True, slots=True)
class Unusable:
    """A part of a row that should be a generation and cannot be one; the reason never quotes it."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One kind of export.

    `recognises` sees one row and says whether it can only be of this kind. `read` yields what stands in a row: most have
    one generation, a page of an API has many. `keep` takes from a row what other rows need (requests for their answers,
    traces for their observations), also from other files of the same import; it returns whether there was something.
    """

    name: str
    title: str
    recognises: Callable[[Mapping[str, Any]], bool]
    read: Callable[[Any, Beside], Iterator[Document | LeftOut | Unusable]]
    keep: Callable[[Any, Beside, str], bool] = field(default=lambda document, beside, source: False)
