"""What a database consists of, as its catalogue tells it: to compare two databases in everything that matters."""

from sqlalchemy import Connection, text

COLUMNS = """
select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
"""
TABLES = """
select relname, relkind, pg_get_partkeydef(oid), reloptions from pg_class
where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
"""
CONSTRAINTS = """
select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
where connamespace = 'public'::regnamespace and contype <> 'n'
"""
INDEXES = "select tablename, indexname, indexdef from pg_indexes where schemaname = 'public'"
VIEWS = "select viewname, definition from pg_views where schemaname = 'public'"


def of(connection: Connection) -> dict[str, set[str]]:
    """Tables, columns, constraints, indexes and views, each as comparable text; Alembic's own table is left out."""
    kinds = {"tables": TABLES, "columns": COLUMNS, "constraints": CONSTRAINTS, "indexes": INDEXES, "views": VIEWS}
    return {
        kind: {str(tuple(row)) for row in connection.execute(text(query)) if row[0] != "alembic_version"}
        for kind, query in kinds.items()
    }
