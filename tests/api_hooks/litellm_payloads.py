"""StandardLoggingPayloads as LiteLLM 1.108.7 sent them, shortened to what differs from call to call."""

from typing import Any

RESPONSE_ID = "chatcmpl-11d84b9536c94480889e2443d3d43d90"
CALL_ID = "0d69e25f-afe5-4704-859d-538c4ec94114"
PROVIDERS_ID = "resp_93a1b49215af40908986ed054c52db53"
WRAPPED_ID = (
    "resp_bGl0ZWxsbTpjdXN0b21fbGxtX3Byb3ZpZGVyOm9wZW5haTttb2RlbF9pZDo4MTljOWJlZjM5NzlkYmY0ZGNkYjRkYjJkNjk2NGFjZmY3YzIy"
    "MWQ1ZTJlNzFkOTIyMWNhZTUwNDU5YmUxMWE5O3Jlc3BvbnNlX2lkOnJlc3BfOTNhMWI0OTIxNWFmNDA5MDg5ODZlZDA1NGM1MmRiNTM="
)
ENCRYPTED_ID = "resp_p_wuB1Nnn6oIAejM" + "OU3F-rdrixsWG71dSTMHct94Ds7jhZS3D5uWZZfas8CSGs" * 8
ITEM_ID = "msg_f58f671b269947348a46a90cd45ac41d"


def proxy_metadata(**more: Any) -> dict[str, Any]:
    """What the proxy says of the key that made a call, and of the request."""
    return {
        "user_api_key_hash": "6d259aa47b215fae47cf199478b8874332f56e6d068f0df9e7c28d8222cb339b",
        "user_api_key_alias": "helpdesk-key",
        "user_api_key_team_id": "team-7",
        "user_api_key_team_alias": "support",
        "user_api_key_user_id": "u-owner",
        "user_api_key_end_user_id": "end-1",
        "user_api_key_request_route": "/v1/chat/completions",
        "user_api_key_auth_metadata": {},
        "spend_logs_metadata": None,
        "requester_metadata": {"ticket": "T-1", "headers": {"http-referer": "https://app.example"}},
        "requester_custom_headers": {},
        "usage_object": {
            "prompt_tokens": 20,
            "completion_tokens": 5,
            "total_tokens": 25,
            "prompt_tokens_details": {"cached_tokens": 8},
            "completion_tokens_details": {"reasoning_tokens": 2},
        },
        **more,
    }


def payload(**more: Any) -> dict[str, Any]:
    """A chat completion through the proxy."""
    return {
        "id": RESPONSE_ID,
        "litellm_call_id": CALL_ID,
        "trace_id": "e83ba855-5772-4da5-b818-48bc1016991a",
        "session_id": "",
        "call_type": "acompletion",
        "cache_hit": None,
        "stream": None,
        "status": "success",
        "custom_llm_provider": "openai",
        "startTime": 1795544429.75,
        "endTime": 1795544430.0,
        "response_time": 0.25,
        "model": "openai/gpt-4o-mini",
        "model_group": "small",
        "metadata": proxy_metadata(),
        "response_cost": 5.4e-06,
        "prompt_tokens": 20,
        "completion_tokens": 5,
        "request_tags": ["blue", "User-Agent: OpenAI", "User-Agent: OpenAI/3.57"],
        "end_user": "end-1",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}],
        "response": {
            "id": RESPONSE_ID,
            "object": "chat.completion",
            "model": "small",
            "choices": [{"finish_reason": "stop", "index": 0, "message": {"content": "Hello", "role": "assistant"}}],
            "usage": {"prompt_tokens": 20, "completion_tokens": 5},
        },
        "model_parameters": {"tools": [{"type": "function", "function": {"name": "search", "parameters": {}}}]},
        "hidden_params": {"response_cost": 5.4e-06},
        "model_map_information": {"model_map_key": "gpt-4o-mini", "model_map_value": {"max_tokens": 16384}},
        **more,
    }


def responses_payload(id_: str, **more: Any) -> dict[str, Any]:
    """A call of the Responses API through the proxy."""
    item = {
        "type": "message",
        "id": ITEM_ID,
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Hello"}],
    }
    return payload(
        **{
            "id": id_,
            "call_type": "aresponses",
            "stream": True,
            "messages": [{"role": "user", "content": "hi"}],
            "model_parameters": {"instructions": "Be brief."},
            "response": {"id": id_, "object": "response", "model": "small", "output": [item]},
            **more,
        }
    )
