"""Setting a Celery app up for our transport."""

import socket
import ssl
import threading
from inspect import Signature, signature

import pytest
import redis
from celery import Celery
from kombu import Exchange, Queue

from worker.broker_transport import envelope, installing
from worker.broker_transport.transport import Transport
from worker.gates import Gates


def app_on(redis_url: str) -> Celery:
    app = Celery("installed", set_as_current=False)
    installing.install(app, redis_url=redis_url, gates=Gates())
    app.conf.task_queues = [Queue("record", Exchange(""), routing_key="record")]
    return app


def keep(word: str) -> None: ...


def keep_bound(self: object, word: str) -> None: ...


def test_the_app_connects_through_our_transport(redis_db_url: str) -> None:
    with app_on(redis_db_url) as app, app.connection_for_read() as connection:
        assert type(connection.transport) is Transport
        connection.connect()


def test_an_app_with_our_transport_publishes_what_it_reads_and_leaves_nothing_else(redis_db_url: str) -> None:
    with app_on(redis_db_url) as app, redis.Redis.from_url(redis_db_url) as client:
        with app.connection_for_write() as connection:
            app.send_task("test.keep", ["word"], queue="record", connection=connection)
        assert client.keys("*") == [b"record"]
        raw = client.rpop("record")
        assert isinstance(raw, bytes)
        outcome = envelope.read(raw, known_tasks={"test.keep": signature(keep)}, max_bytes=10_000)
        assert isinstance(outcome, envelope.Accepted)
        assert list(outcome.body[0]) == ["word"]


def test_the_tasks_of_the_app_are_known_and_celerys_own_are_not() -> None:
    app = app_on("redis://127.0.0.1:6379/0")
    app.task(name="test.keep", shared=False)(keep)
    app.task(name="test.bound", bind=True, shared=False)(keep_bound)
    known = installing.calls_of(app)
    assert set(known) == {"test.keep", "test.bound"}
    assert all(isinstance(call, Signature) and list(call.parameters) == ["word"] for call in known.values())


def test_consuming_without_known_tasks_is_refused(redis_db_url: str) -> None:
    app = Celery("bare", broker=redis_db_url, set_as_current=False)
    app.conf.broker_transport = "worker.broker_transport.transport:Transport"
    with app.connection_for_read() as connection, pytest.raises(ValueError, match="known_tasks"):
        connection.default_channel.basic_consume("record", False, print, "tag")


@pytest.mark.parametrize(
    "url", ["redis+socket:///tmp/redis.sock", "sentinel://a", "amqp://a", "redis://a;redis://b", "a:6379", ""]
)
def test_an_address_that_kombu_would_answer_with_its_stock_transport_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="AFTERTAG_REDIS_URL"):
        app_on(url)


def test_rediss_speaks_tls_and_wants_a_certificate() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    port, first_bytes = server.getsockname()[1], list[bytes]()
    listener = threading.Thread(target=_hear_first_byte, args=(server, first_bytes))
    listener.start()
    app = app_on(f"rediss://:secret@127.0.0.1:{port}/0")
    assert app.conf.broker_use_ssl == {"ssl_cert_reqs": ssl.CERT_REQUIRED}
    with app.connection_for_read() as connection, pytest.raises((OSError, redis.RedisError)):
        connection.connect()
    listener.join(30)
    assert first_bytes == [b"\x16"], "not a TLS handshake"


def _hear_first_byte(server: socket.socket, heard: list[bytes]) -> None:
    server.settimeout(10)
    with server:
        peer, _ = server.accept()
        with peer:
            heard.append(peer.recv(1))
