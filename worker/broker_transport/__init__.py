"""Our kombu transport for Redis: every message is checked before Celery sees it, every queue has a gate."""
