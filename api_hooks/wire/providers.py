"""Which provider an address belongs to: many speak OpenAI's API, and their customers use its SDK."""

_BY_HOST = {
    "api.openai.com": "openai",
    "openai.azure.com": "azure",
    "services.ai.azure.com": "azure",
    "api.anthropic.com": "anthropic",
    "openrouter.ai": "openrouter",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral",
    "api.deepseek.com": "deepseek",
    "api.together.xyz": "together",
    "api.together.ai": "together",
    "api.fireworks.ai": "fireworks",
    "api.perplexity.ai": "perplexity",
    "api.x.ai": "xai",
    "api.cerebras.ai": "cerebras",
    "api.sambanova.ai": "sambanova",
    "googleapis.com": "google",
    "amazonaws.com": "bedrock",
    "router.huggingface.co": "huggingface",
}


_OF_A_NETWORK = frozenset(("internal", "lan", "local", "localhost", "svc", "test", "home", "corp", "intranet"))


def provider_of(host: str, *, otherwise: str) -> str:
    """Return the provider of a host or of the domain that it is in; `otherwise` for those that are not known.

    A machine of one's own is its own provider: what it serves under a cloud's name is not the cloud's.
    """
    host = host.lower().rstrip(".")
    parts = host.split(".")
    for start in range(len(parts)):
        provider = _BY_HOST.get(".".join(parts[start:]))
        if provider is not None:
            return provider
    is_ones_own = len(parts) == 1 or parts[-1] in _OF_A_NETWORK or parts[-1].isdigit() or ":" in host
    return host if is_ones_own and host else otherwise
