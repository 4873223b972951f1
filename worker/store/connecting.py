"""What others hand through to the store without knowing what is in it, and what they catch when it fails."""

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError as DatabaseError
from sqlalchemy.exc import TimeoutError as NoConnectionError

__all__ = ["Connection", "DatabaseError", "Engine", "NoConnectionError"]
