"""Everything Aftertag keeps in Postgres: the only place with SQL, one verb per function."""
