"""At the source: no card number leaves this process, and of large traffic only every tenth text does."""

import re

import api_hooks

CARD_NUMBER = re.compile(r"\b\d(?:[ -]?\d){12,15}\b")

api_hooks.configure(
    workspace="acme",
    redact=lambda text: CARD_NUMBER.sub("[card number]", text),
    sample=0.1,
    sample_by="session",
)

for number in range(200):
    api_hooks.enqueue("My card 4111 1111 1111 1111 was charged twice.", session_id=f"chat-{number}", cost_usd=0.001)
