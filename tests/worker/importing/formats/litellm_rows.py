"""LiteLLM's own rows of its spend log, and its account of the same calls: run by an interpreter that has LiteLLM.

Writes one line of JSON for each call: {"row": …, "account": …}.
"""

import asyncio
import json
from typing import Any

import litellm
from litellm.integrations.custom_logger import CustomLogger
from litellm.proxy import proxy_server
from litellm.proxy.spend_tracking.spend_tracking_utils import get_logging_payload

KEY = {"user_api_key": "0" * 64, "user_api_key_alias": "helpdesk-key", "user_api_key_team_alias": "Support"}
MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Name a colour."}]
TOOLS = [{"type": "function", "function": {"name": "paint", "parameters": {"type": "object", "properties": {}}}}]


class Writing(CustomLogger):
    def __init__(self) -> None:
        super().__init__()
        self.done = asyncio.Event()

    async def async_log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        row = get_logging_payload(kwargs=kwargs, response_obj=response_obj, start_time=start_time, end_time=end_time)
        written = {"row": row, "account": kwargs["standard_logging_object"]}
        print(json.dumps(written, default=lambda given: given.isoformat()), flush=True)  # noqa: T201
        self.done.set()


async def main() -> None:
    proxy_server.general_settings["store_prompts_in_spend_logs"] = True
    writing = Writing()
    litellm.callbacks = [writing]
    for more in ({}, {"tools": TOOLS}, {"stream": True}):
        writing.done.clear()
        body = {"model": "gpt-4o-mini", "messages": MESSAGES, "user": "customer-3", **more}
        request = {"url": "http://proxy/chat/completions", "method": "POST", "headers": {}, "body": body}
        answer = await litellm.acompletion(
            **body, mock_response="Blue.", api_key="none", metadata=KEY, proxy_server_request=request
        )
        if "stream" in more:
            async for _ in answer:
                pass
        await asyncio.wait_for(writing.done.wait(), 30)


if __name__ == "__main__":
    asyncio.run(main())
