"""Where providers differ from each other: one table, read by the dialects."""

from dataclasses import dataclass, field
from typing import Any, Literal

TokenCapField = Literal["max_tokens", "max_completion_tokens"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quirks:
    """What is peculiar to one provider's API.

    `extra_body` goes into every request as it is; `price_provider` is the provider's name in genai-prices.
    """

    token_cap_field: TokenCapField = "max_tokens"  # noqa: S105 - the name of a field
    sends_prompt_cache_key: bool = False
    extra_body: dict[str, Any] = field(default_factory=dict)
    price_provider: str | None = None
    questions_per_call: int = 64


GENERIC = Quirks(extra_body={"temperature": 0})

# Newer OpenAI and Anthropic models refuse a temperature, and under require_parameters it would rule providers out.
BY_PROVIDER: dict[str, Quirks] = {
    "openrouter": Quirks(extra_body={"provider": {"require_parameters": True}}, price_provider="openrouter"),
    "openai": Quirks(
        token_cap_field="max_completion_tokens",  # noqa: S106 - the name of a field
        sends_prompt_cache_key=True,
        price_provider="openai",
    ),
    "anthropic": Quirks(price_provider="anthropic"),
    "ollama": GENERIC,
    "google": Quirks(extra_body={"temperature": 0}, price_provider="google"),
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
