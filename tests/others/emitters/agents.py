"""One agent of LangGraph with one tool, which makes two model calls, one streamed or not."""

import asyncio
import os
from collections.abc import Sequence
from typing import Any

from langchain.agents import create_agent
from langchain_openai import ChatOpenAI

from tests.others.emitters import calls


def weather(city: str = "Bern") -> str:
    """Tell the weather."""
    return "sunny"


def run(*, streaming: bool = False, in_a_loop: bool = False, callbacks: Sequence[Any] = ()) -> None:
    """Ask the agent, also as a coroutine, and say what LangChain says it used."""
    model = ChatOpenAI(
        model="gpt-5-mini",
        base_url=os.environ["PROVIDER_URL"] + "/v1",
        api_key="none",
        streaming=streaming,
        stream_usage=True,
    )
    agent: Any = create_agent(model, tools=[weather], system_prompt="Be brief.")
    asked = {"messages": [{"role": "user", "content": f"{calls.QUESTION} play: tool"}]}
    with_them = {"callbacks": [*callbacks]}
    answered = asyncio.run(agent.ainvoke(asked, with_them)) if in_a_loop else agent.invoke(asked, with_them)
    said = [one for one in answered["messages"] if one.type == "ai"]
    calls.tell(
        prompt=sum(one.usage_metadata["input_tokens"] for one in said),
        completion=sum(one.usage_metadata["output_tokens"] for one in said),
    )
