"""Where providers differ from each other: one table, read by the dialects."""

from dataclasses import dataclass, field
from typing import Any, Literal

TokenCapField = Literal["max_tokens", "max_completion_tokens"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quirks:
    """What is peculiar to one provider's API.

    `extra_body` goes into every request as it is; `price_provider` is the provider's name in genai-prices.
    `takes_trace` says that it has a field `trace` for what it reports of a call, besides text.
    `default_model` is what to ask where nobody names a model, None where only the operator can know what is served;
    `has_models_of_presets` says whether the models that presets recommend are known by these names.
    """

    token_cap_field: TokenCapField = "max_tokens"  # noqa: S105 - the name of a field
    sends_prompt_cache_key: bool = False
    takes_trace: bool = False
    extra_body: dict[str, Any] = field(default_factory=dict)
    price_provider: str | None = None
    default_model: str | None = None
    has_models_of_presets: bool = False
    questions_per_call: int = 64


GENERIC = Quirks(extra_body={"temperature": 0})

# Default models: the cheapest of each provider that is sold for many small tasks (2026-11), 0.10 to 0.30 USD a million
# tokens in. Newer OpenAI and Anthropic models refuse a temperature, and under require_parameters it would rule providers out.
BY_PROVIDER: dict[str, Quirks] = {
    "openrouter": Quirks(
        extra_body={"provider": {"require_parameters": True}},
        takes_trace=True,
        price_provider="openrouter",
        default_model="google/gemini-3.5-flash-lite",
        has_models_of_presets=True,
    ),
    "openai": Quirks(
        token_cap_field="max_completion_tokens",  # noqa: S106 - the name of a field
        sends_prompt_cache_key=True,
        price_provider="openai",
        default_model="gpt-6-luna",
    ),
    "anthropic": Quirks(price_provider="anthropic", default_model="claude-haiku-5-5"),
    "ollama": GENERIC,
    "google": Quirks(extra_body={"temperature": 0}, price_provider="google", default_model="gemini-3.5-flash-lite"),
    "groq": Quirks(extra_body={"temperature": 0}, price_provider="groq"),
    "mistral": Quirks(extra_body={"temperature": 0}, price_provider="mistral"),
    "deepseek": Quirks(extra_body={"temperature": 0}, price_provider="deepseek"),
    "typesafe": Quirks(price_provider="typesafe"),
}

PROVIDER_OF_HOST = {
    "openrouter.ai": "openrouter",
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "generativelanguage.googleapis.com": "google",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral",
    "api.deepseek.com": "deepseek",
}


def of(name: str, host: str) -> Quirks:
    """Return the quirks of the provider at `host`, else of the provider that the endpoint is named after."""
    return BY_PROVIDER.get(PROVIDER_OF_HOST.get(host, name), GENERIC)
