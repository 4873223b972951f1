"""Alembic's entry: runs the revisions on the connection it is handed, or on AFTERTAG_DATABASE_URL."""

import os
import re
from typing import Any

from alembic import context
from sqlalchemy import Connection

from worker.store import engine as engines
from worker.store.tables import PARTITIONED, metadata

_PARTITION = re.compile(rf"^({'|'.join(PARTITIONED)})_\d{{8}}")


def include_name(name: str | None, type_: str, parent_names: Any) -> bool:
    """Days come and go by themselves and are no difference."""
    return not (type_ == "table" and name is not None and _PARTITION.match(name))


def run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, include_name=include_name, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


handed_in = context.config.attributes.get("connection")
if handed_in is not None:
    run(handed_in)
else:
    engine = engines.connect(os.environ.get("AFTERTAG_DATABASE_URL", "postgresql:///aftertag"), connections=1)
    with engine.connect() as own_connection:
        run(own_connection)
        own_connection.commit()
    engine.dispose()
