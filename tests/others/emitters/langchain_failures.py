"""Calls of LangChain that the provider refuses, by themselves and as a try within one that succeeds; OpenInference watches.

With `ALSO_THE_SDK` OpenLLMetry watches the OpenAI SDK within, too.
"""

import os
from contextlib import suppress
from typing import Any

import openai
from langchain_openai import ChatOpenAI
from openinference.instrumentation.langchain import LangChainInstrumentor
from opentelemetry.instrumentation.openai import OpenAIInstrumentor

from tests.others.emitters import calls, tracing


class TryingTwice(ChatOpenAI):
    """A model whose first two tries are refused."""

    def _generate(self, *args: Any, **kwargs: Any) -> Any:
        for _ in range(2):
            with suppress(openai.BadRequestError):
                self.client.create(model="gpt-5-mini", messages=[{"role": "user", "content": "play: 400"}])
        return super()._generate(*args, **kwargs)


def model(kind: type[ChatOpenAI]) -> ChatOpenAI:
    return kind(model="gpt-5-mini", base_url=os.environ["PROVIDER_URL"] + "/v1", api_key="none", max_retries=0)


tracing.start()
LangChainInstrumentor().instrument()
if os.environ.get("ALSO_THE_SDK"):
    OpenAIInstrumentor().instrument()
with suppress(openai.BadRequestError):
    model(ChatOpenAI).invoke("play: 400")
answer = model(TryingTwice).invoke([("system", "Be brief."), ("user", calls.QUESTION)])
calls.tell(prompt=answer.usage_metadata["input_tokens"], completion=answer.usage_metadata["output_tokens"])
