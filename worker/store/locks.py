"""How many locks the server has for everyone, and how many a statement over all days takes."""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from worker.store.tables import PARTITIONED


@dataclass(frozen=True, slots=True, kw_only=True)
class Locks:
    """`room` is for all transactions together; a statement over all days of all large tables takes `of_all_days`.

    `of_one_table` is the most that one over all days of a single table takes; `at_once` is by how much a lock more for
    each transaction adds to the room.
    """

    days: int
    room: int
    at_once: int
    of_all_days: int
    of_one_table: int

    @property
    def wanted(self) -> int:
        """The max_locks_per_transaction with room for four statements over all days at once: a power of two."""
        wanted = 64
        while wanted * self.at_once < 4 * self.of_all_days:
            wanted *= 2
        return wanted


def look(connection: Connection) -> Locks:
    """Read it from the settings and the catalogue; needs a migrated database."""
    row = connection.execute(
        text("""
        with days as (
            select inhparent, inhrelid, 1 + (select count(*) from pg_index where indrelid = inhrelid) as relations
            from pg_inherits where inhparent = any(cast(:tables as regclass[]))
        ), tables as (
            select inhparent, count(*) as days, sum(relations) as relations from days group by inhparent
        ), server as (
            select current_setting('max_locks_per_transaction')::bigint as each,
                   current_setting('max_connections')::bigint
                   + current_setting('max_prepared_transactions')::bigint as at_once
        )
        select coalesce(max(days), 0)::bigint as days, max(each * at_once) as room, max(at_once) as at_once,
               coalesce(sum(relations), 0)::bigint as of_all_days, coalesce(max(relations), 0)::bigint as of_one_table
        from server left join tables on true
        """),
        {"tables": list(PARTITIONED)},
    ).one()
    return Locks(**row._mapping)
