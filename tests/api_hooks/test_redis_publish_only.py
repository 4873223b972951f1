"""The ACL that we ship, on a real Redis: its user publishes, and that is all it can do."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

import api_hooks
from api_hooks import wire
from tests.waiting import wait_until
from worker.embedded.redis_server import RedisServer

ACL = Path(api_hooks.__file__).with_name("redis_publish_only.acl")
PASSWORD = "replace-this-password"

pytestmark = pytest.mark.usefixtures("closes_the_hook")


@pytest.fixture
def publisher_url(own_redis: RedisServer) -> str:
    """The address of a Redis that has the user, as that user."""
    lines = ACL.read_text().splitlines()
    [rule] = [line.split() for line in lines if line]
    assert rule[0] == "user"
    with redis.Redis.from_url(own_redis.url) as client:
        client.execute_command("ACL", "SETUSER", *rule[1:])
        client.lpush("record", "somebody else's")
        client.set("other", "somebody else's")
    return f"redis://{rule[1]}:{PASSWORD}@127.0.0.1:{urlsplit(own_redis.url).port}/0"


def test_the_hook_can_publish_as_the_publish_only_user(publisher_url: str, own_redis: RedisServer) -> None:
    api_hooks.configure(url=publisher_url, workspace="acme", socket_timeout_seconds=30)
    api_hooks.enqueue("hello")
    assert api_hooks.flush(30)
    assert api_hooks.stats().sent == 1
    with redis.Redis.from_url(own_redis.url) as client:
        assert client.llen(wire.RECORD_QUEUE) == 2


def test_the_hook_can_publish_as_the_publish_only_user_to_another_database(
    publisher_url: str, own_redis: RedisServer
) -> None:
    api_hooks.configure(url=publisher_url.removesuffix("/0") + "/3", workspace="acme", socket_timeout_seconds=30)
    api_hooks.enqueue("hello")
    assert api_hooks.flush(30)
    with redis.Redis.from_url(own_redis.url, db=3) as client:
        assert client.llen(wire.RECORD_QUEUE) == 1


@pytest.mark.parametrize(
    "command",
    [
        "LRANGE record 0 -1",
        "LINDEX record 0",
        "RPOP record",
        "LPOP record",
        "BRPOP record 1",
        "LMOVE record other LEFT LEFT",
        "LTRIM record 0 0",
        "DEL record",
        "EXPIRE record 1",
        "RENAME record other",
        "DUMP record",
        "LPUSH other x",
        "LPUSH classify.local x",
        "LLEN other",
        "GET other",
        "SET other x",
        "KEYS *",
        "SCAN 0",
        "TYPE record",
        "FLUSHDB",
        "FLUSHALL",
        "EVAL return(1) 0",
        "PUBLISH channel x",
        "SUBSCRIBE channel",
        "CONFIG GET *",
        "ACL LIST",
        "CLIENT LIST",
        "INFO",
        "MONITOR",
        "SHUTDOWN",
        "MULTI",
    ],
)
def test_everything_else_is_refused_to_the_publish_only_user(publisher_url: str, command: str) -> None:
    with redis.Redis.from_url(publisher_url) as client, pytest.raises(redis.exceptions.NoPermissionError):
        client.execute_command(*command.split())


def test_with_a_wrong_password_generations_wait_and_no_password_is_shown(
    publisher_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    api_hooks.configure(
        url=publisher_url.replace(PASSWORD, "a-wrong-guess"), workspace="acme", socket_timeout_seconds=30
    )
    api_hooks.enqueue("hello")
    wait_until(lambda: "Generations wait" in caplog.text)
    assert api_hooks.stats().is_failing
    assert "a-wrong-guess" not in caplog.text
