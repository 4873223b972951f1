"""Any code and any provider: hand over what was asked and what came of it, in the shape that you have it in."""

import api_hooks

api_hooks.enqueue(
    [{"role": "user", "content": "Draft a reply to the customer whose invoice was charged twice."}],
    "Dear Ms Okafor, …",
    id="answer-17",
    model="gpt-5-mini",
    user="u-17",
    cost_usd=0.0021,
)
