"""What LiteLLM's own tracing sends of a call, `callbacks: [otel]`: the type of the call as its operation."""

from tests.console.server.otlp.samples import Emitted, found_in, generation_of


def test_litellms_own_tracing_without_content() -> None:
    """As `callbacks: [otel]` of LiteLLM 1.108 sends it under `turn_off_message_logging`."""
    span = Emitted(
        name="litellm_request",
        scope="litellm",
        attributes={
            "metadata.user_api_key_alias": "helpdesk-key",
            "metadata.user_api_key_team_id": "",
            "gen_ai.cost.input_cost": 2.5e-06,
            "gen_ai.cost.total_cost": 4.25e-05,
            "gen_ai.request.model": "gpt-5-mini",
            "llm.request.type": "acompletion",
            "gen_ai.system": "openai",
            "llm.is_streaming": "False",
            "gen_ai.response.id": "chatcmpl-9b37c89b-9b40-43f5-926b-e53cb34ea543",
            "gen_ai.usage.total_tokens": 30,
            "gen_ai.usage.output_tokens": 20,
            "gen_ai.usage.input_tokens": 10,
        },
    )
    found = generation_of(span)
    assert (found["id"], found["api_key_name"]) == ("chatcmpl-9b37c89b-9b40-43f5-926b-e53cb34ea543", "helpdesk-key")
    assert (found["usage"], found["cost_usd"]) == ({"prompt": 10, "completion": 20}, 4.25e-05)
    assert found_in(span).without_text == 1
