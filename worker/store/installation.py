"""What is of this installation as a whole, whichever workspace: the mark of its classifiers' own model calls."""

from sqlalchemy import Connection, text


def own_call_mark(connection: Connection) -> str:
    """The mark that the migration made, for ever the same: providers' prompt caches hit, and old reports are known."""
    return str(connection.execute(text("select own_call_mark from installation")).scalar_one())
