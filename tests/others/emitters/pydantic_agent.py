"""An agent of PydanticAI's with one tool, watched by its own instrumentation."""

import os

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from tests.others.emitters import calls, tracing

tracing.start()
Agent.instrument_all()
provider = OpenAIProvider(base_url=os.environ["PROVIDER_URL"] + "/v1", api_key="none")
agent = Agent(OpenAIChatModel("gpt-5-mini", provider=provider), system_prompt="Be brief.", name="helper")


@agent.tool_plain
def weather(q: str) -> str:
    """Tell the weather."""
    return "sunny"


used = agent.run_sync(f"{calls.QUESTION} play: tool").usage
calls.tell(prompt=used.input_tokens, completion=used.output_tokens)
