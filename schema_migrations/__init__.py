"""How the database came to be: Alembic revisions, forward only on data that exists."""
