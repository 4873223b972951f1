"""Under whose name a generation's model stands in the price list: in doubt nobody's, because a price is a claim."""

import re

_SPELLINGS = {
    "anthropic": "anthropic anthropic.messages",
    "aws": "aws aws.bedrock bedrock bedrock_converse amazon_bedrock amazon-bedrock",
    "azure": (
        "azure azure_ai azure_openai azure_text azure.ai.inference azure.ai.openai az.ai.inference az.ai.openai"
        " azure.chat azure.responses azure-openai azure-openai.chat azure-openai.responses"
    ),
    "cerebras": "cerebras cerebras.chat",
    "cohere": "cohere cohere_chat cohere.chat",
    "deepseek": "deepseek deepseek.chat",
    "fireworks": "fireworks fireworks_ai fireworks.chat",
    "google": (
        "google google_genai google_vertexai gemini vertexai vertex_ai vertex_ai_beta gcp.gemini gcp.gen_ai gcp.vertex_ai"
        " google.generative-ai google.vertex google.vertex.chat"
    ),
    "groq": "groq groq.chat",
    "minimax": "minimax",
    "mistral": "mistral mistral_ai mistralai mistral.chat",
    "moonshotai": "moonshot moonshot_ai moonshotai",
    "novita": "novita",
    "openai": "openai openai.chat openai.responses openai.completion text-completion-openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "together": "together together_ai togetherai togetherai.chat",
    "x-ai": "xai x_ai x-ai xai.chat xai.responses",
    "zai": "zai",
}
"""How SDKs, OpenTelemetry's conventions, LiteLLM, LangChain and Vercel's SDK name those who are paid by the token.

A provider that is not here has no price: Ollama, vLLM and `custom_openai` serve models under any name, also a cloud's.
"""

_LISTS = {spelling: name for name, spellings in _SPELLINGS.items() for spelling in spellings.split()}
_MAKERS = (
    (re.compile(r"(?:ft:)?gpt-|chatgpt-|o[134](?:$|-)"), "openai"),
    (re.compile(r"claude-"), "anthropic"),
    (re.compile(r"gemini-"), "google"),
)
_OPEN = re.compile(r"gpt-oss")
"""OpenAI gives these weights away and sells no calls of them: they were served by somebody else."""
_OF_OTHER_THINGS = re.compile(r"audio|realtime|image|tts|transcri|speech")
"""Tokens of sound and pictures have other prices, and a generation does not tell them from those of text."""


def listed(model: str, provider: str | None) -> tuple[str, str] | None:
    """Return the model and its provider as genai-prices names them, None where no price can be told.

    Without a provider the model's name has to do where it is that of a model which only its maker and the maker's
    partners serve, at one price; weights that anybody may run have no price by their name.
    """
    name = model.strip().lower().removeprefix("models/")
    spelling = (provider or "").strip().lower()
    found = _LISTS.get(spelling) if spelling else _maker_of(name)
    if found is None or _OF_OTHER_THINGS.search(name) or (found == "openai" and _OPEN.match(name)):
        return None
    return name, found


def _maker_of(name: str) -> str | None:
    return next((maker for form, maker in _MAKERS if form.match(name)), None)
