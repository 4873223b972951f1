from tests.api_hooks.integrations.stage import all_watched, claude, client, handed, open_client, provider

__all__ = ["all_watched", "claude", "client", "handed", "open_client", "provider"]
