import psycopg
import pytest
import redis


@pytest.mark.parametrize("time", ["first", "second"])
def test_every_test_gets_all_tables_and_none_of_the_rows_of_another(database_url: str, time: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert connection.execute("select count(*) from workspaces").fetchone() == (0,)
        connection.execute("create table left_behind ()")
        connection.execute("insert into workspaces (id) values ('left-behind')")


def test_an_empty_database_has_no_tables(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url) as connection:
        tables = connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone()
    assert tables == (0,)


@pytest.mark.parametrize("time", ["first", "second"])
def test_every_test_gets_an_empty_redis(redis_db_url: str, time: str) -> None:
    with redis.Redis.from_url(redis_db_url) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")
