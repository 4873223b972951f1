"""What one model charges: rates per token, which may depend on the moment of a call and on the length of its prompt."""

from bisect import bisect_left
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import genai_prices
from genai_prices.types import ModelInfo, ModelPrice, TieredPrices

BATCH = {"processing": "batch"}
FREE = ":free"

_COUNTED = frozenset(
    "input_mtok output_mtok cache_read_mtok cache_write_mtok cache_write_1h_mtok requests_kcount".split()  # noqa: SIM905
)
_LEFT_OUT = frozenset(
    "web_searches_kcount storage_searches_kcount input_audio_mtok input_image_mtok input_video_mtok"  # noqa: SIM905
    " cache_audio_read_mtok cache_image_read_mtok".split()
)
"""What may stand beside tokens of text in a price, and is not counted: most calls of such models have none of it."""

_MILLION = 1_000_000


class Rates(NamedTuple):
    """US dollars per token of each kind, and per call."""

    fresh: Decimal
    cached: Decimal
    cache_write: Decimal
    completion: Decimal
    call: Decimal


class Tariff:
    """The price of one model, with the rates kept: asking genai-prices costs 30 to 90 µs for each call, a rate 3 µs."""

    def __init__(self, model: ModelInfo) -> None:
        self.model = model
        self._kept: dict[tuple[int, int], Rates | None] = {}

    def rates(self, at: datetime, *, prompt_tokens: int, is_batch: bool = False) -> Rates | None:
        """Return the rates of a call, None where its price is not known or depends on more than tokens of text."""
        if is_batch:
            return self._of_a_batch(at, prompt_tokens)
        prices = self.model.get_prices(at)
        key = (id(prices), _step(prices, prompt_tokens))  # the list's own objects, and it stays as it is
        if key not in self._kept:
            self._kept[key] = self._of(prices, prompt_tokens)
        return self._kept[key]

    def _of_a_batch(self, at: datetime, prompt_tokens: int) -> Rates | None:
        """Of a batch only where the list has its price at that time: the ordinary one is about twice that."""
        for variant in self.model.price_variants or ():
            if variant.when == BATCH and (variant.constraint is None or variant.constraint.active(at)):
                return self._of(self.model.get_prices(at, BATCH), prompt_tokens)
        return None

    def _of(self, prices: ModelPrice, prompt_tokens: int) -> Rates | None:
        level = _level(prices, prompt_tokens)
        if not level:
            return Rates(*[Decimal(0)] * 5) if self.model.id.endswith(FREE) else None
        if not level.keys() <= _COUNTED | _LEFT_OUT or not level.keys() & {"input_mtok", "output_mtok"}:
            return None
        return _rates(ModelPrice(**level))


def _level(prices: ModelPrice, prompt_tokens: int) -> dict[str, Decimal | TieredPrices | None]:
    """The prices that hold for a prompt of this length: past a step, a price is another for all tokens of the call."""
    level: dict[str, Decimal | TieredPrices | None] = {}
    for name, price in vars(prices).items():
        if isinstance(price, TieredPrices):
            past = [step.price for step in price.tiers if prompt_tokens > step.start]
            level[name] = past[-1] if past else price.base
        elif price is not None:
            level[name] = price
    return level


def _step(prices: ModelPrice, prompt_tokens: int) -> int:
    """How many of the steps the prompt is past."""
    starts = {step.start for price in vars(prices).values() if isinstance(price, TieredPrices) for step in price.tiers}
    return bisect_left(sorted(starts), prompt_tokens) if starts else 0


def _rates(level: ModelPrice) -> Rates | None:
    try:
        call = _priced(level, 0, 0, 0, 0)
        fresh, cached, cache_write, completion = (
            (_priced(level, *tokens) - call) / _MILLION
            for tokens in (
                (_MILLION, 0, 0, 0),
                (_MILLION, _MILLION, 0, 0),
                (_MILLION, 0, _MILLION, 0),
                (0, 0, 0, _MILLION),
            )
        )
    except ValueError:  # a price that needs a number which we do not have
        return None
    return Rates(fresh=fresh, cached=cached, cache_write=cache_write, completion=completion, call=call)


def _priced(level: ModelPrice, prompt: int, cached: int, cache_write: int, completion: int) -> Decimal:
    usage = genai_prices.Usage(
        input_tokens=prompt, cache_read_tokens=cached, cache_write_tokens=cache_write, output_tokens=completion
    )
    return level.calc_price(usage)["total_price"]
