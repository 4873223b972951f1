"""The two values that others hand through to the store without knowing what is in them."""

from sqlalchemy import Connection, Engine

__all__ = ["Connection", "Engine"]
