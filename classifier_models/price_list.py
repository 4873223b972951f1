"""Which model of genai-prices' list a name means, found in bounded time and memory: names may be hostile.

genai-prices keeps every name that it was ever asked for, and asks each model in turn whether the name is its own; here the
last few thousand names are kept, and most models are found by theirs.
"""

import re
from collections.abc import Iterator
from datetime import date
from functools import cache, lru_cache

from genai_prices import data_snapshot
from genai_prices.types import (
    ClauseAnd,
    ClauseContains,
    ClauseEndsWith,
    ClauseEquals,
    ClauseOr,
    ClauseRegex,
    ClauseStartsWith,
    MatchLogic,
    ModelInfo,
    Provider,
)

from classifier_models.tariffs import Tariff

NAMES_KEPT = 4096
NAME_CHARACTERS = 256
"""A longer name is no model's: the longest that the list knows has 73."""

_DATE = re.compile(r"-(20\d\d)(\d\d)(\d\d)(?=-|:|$)")


def find(model: str, provider: str | None) -> Tariff | None:
    """Return what the model charges, None when the list does not have it.

    `provider` is its name there, or one that genai-prices takes for it; None: whose model it is, by its name.
    """
    if max(len(model), len(provider or "")) > NAME_CHARACTERS:
        return None
    return _find(model.lower(), provider)


@lru_cache(maxsize=NAMES_KEPT)
def _find(model: str, provider: str | None) -> Tariff | None:
    providers = data_snapshot.get_snapshot().providers
    if provider == "litellm" and "/" in model:
        provider, _, model = model.partition("/")
    owner = _owner(model, providers) if provider is None else data_snapshot.find_provider_by_id(providers, provider)
    if owner is None:
        return None
    lists = [_models(one) for one in (owner.id, *(owner.fallback_model_providers or ()))]
    for name in dict.fromkeys((model, _DATE.sub(_dashed, model))):
        for each in lists:
            if (found := each.find(name)) is not None:
                return found
    return None


def _owner(model: str, providers: list[Provider]) -> Provider | None:
    return next((one for one in providers if one.model_match is not None and one.model_match.is_match(model)), None)


def _dashed(found: re.Match[str]) -> str:
    """Gateways write -20251211 where the list has -2025-12-11."""
    try:
        return f"-{date(*map(int, found.groups()))}"
    except ValueError:
        return found.group()


class _Models:
    """The models of one provider. Where several own a name, the list's first does."""

    def __init__(self, models: list[ModelInfo]) -> None:
        self._tariffs = [Tariff(model) for model in models]
        self._named: dict[str, int] = {}
        self._by_form: list[tuple[int, _Forms]] = []
        for place, model in enumerate(models):
            forms = _Forms(model.match)
            for name in forms.names:
                self._named.setdefault(name, place)
            if not forms.are_names:
                self._by_form.append((place, forms))
        self._of_any = _Forms(ClauseOr(or_=[models[place].match for place, _ in self._by_form]))

    def find(self, name: str) -> Tariff | None:
        named = self._named.get(name)
        if named is None and not self._of_any.fit(name):  # nobody's, as junk is: one look, not one for each model
            return None
        for place, forms in self._by_form:
            if named is not None and place >= named:
                break
            if forms.fit(name):
                return self._tariffs[place]
        return None if named is None else self._tariffs[named]


@cache
def _models(provider: str) -> _Models:
    """By one of the list's own ids: there are 47."""
    providers = data_snapshot.get_snapshot().providers
    return _Models(next((one.models for one in providers if one.id == provider), []))


class _Forms:
    """The names that are a model's own, and the forms of others that are, too; taken apart once, for one look at all."""

    __slots__ = ("_anywhere", "_at_the_end", "_at_the_start", "_others", "names")

    def __init__(self, match: MatchLogic) -> None:
        parts = list(_parts(match))
        self.names = frozenset(one.equals.lower() for one in parts if isinstance(one, ClauseEquals))
        self._at_the_start = tuple(one.starts_with.lower() for one in parts if isinstance(one, ClauseStartsWith))
        self._at_the_end = tuple(one.ends_with.lower() for one in parts if isinstance(one, ClauseEndsWith))
        self._anywhere = tuple(one.contains.lower() for one in parts if isinstance(one, ClauseContains))
        self._others = tuple(one for one in parts if isinstance(one, ClauseRegex | ClauseAnd))

    @property
    def are_names(self) -> bool:
        return not (self._at_the_start or self._at_the_end or self._anywhere or self._others)

    def fit(self, name: str) -> bool:
        return (
            name in self.names
            or name.startswith(self._at_the_start)
            or name.endswith(self._at_the_end)
            or any(part in name for part in self._anywhere)
            or any(other.is_match(name) for other in self._others)
        )


def _parts(match: MatchLogic) -> Iterator[MatchLogic]:
    if isinstance(match, ClauseOr):
        for one in match.or_:
            yield from _parts(one)
    else:
        yield match
