"""Put a stream's events together to the response that would have come without streaming, in bounded memory."""

from api_hooks.integrations.stainless.assembling.assembly import DONE, EVENTS_OF_A_BEGINNING, Assembly

__all__ = ["DONE", "EVENTS_OF_A_BEGINNING", "Assembly"]
