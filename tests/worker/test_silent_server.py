"""A server whose machine is gone, without a word, is noticed by its connections."""

from sqlalchemy import Engine, text


def test_every_connection_asks_a_silent_server_whether_it_is_there(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(text("select 1"))
        driver = connection.connection.driver_connection
        assert driver is not None
        given = driver.info.get_parameters()
    assert given["keepalives"] == "1"
    idle, interval, count = (int(given[f"keepalives_{name}"]) for name in ("idle", "interval", "count"))
    assert idle + interval * count <= 30
    assert int(given["tcp_user_timeout"]) <= 30_000
