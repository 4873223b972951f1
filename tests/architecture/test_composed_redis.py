"""The composed Redis, started for real with the command's own words: applications have a user that publishes and no more."""

import re
import shlex
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

import api_hooks
from api_hooks import wire
from tests.architecture.test_containers import ROOT, SERVICES, with_defaults
from worker.embedded import children
from worker.embedded.redis_engine import Engine

HOOK_PASSWORD = "of-the-hooks"
PASSWORD = "of-the-workers"
COMMAND = shlex.split(
    with_defaults(SERVICES["redis"]["command"], {"REDIS_HOOK_PASSWORD": HOOK_PASSWORD, "REDIS_PASSWORD": PASSWORD})
)


@pytest.fixture
def composed_port(real_redis_engine: Engine, tmp_path: Path) -> Iterator[int]:
    """The port of a Redis started with the command of the composition; only port and paths are its own."""
    program, *arguments = COMMAND
    assert program == "redis-server"
    port = _free_port()
    own = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path)]
    command = children.Program(
        name="redis-server", arguments=[real_redis_engine.program[0], *arguments, *own], log=tmp_path / "redis.log"
    )
    child = children.start(command)
    try:
        children.wait_until_answering(child, command, lambda: _answers(port), deadline_seconds=30)
        yield port
    finally:
        child.terminate()
        child.wait(30)


def test_applications_publish_as_the_hooks_user_and_read_nothing(composed_port: int) -> None:
    url = _url_in_the_comment(composed_port)
    try:
        api_hooks.configure(url=url, workspace="acme", socket_timeout_seconds=30)
        api_hooks.enqueue("hello")
        assert api_hooks.flush(30)
        assert api_hooks.stats().sent == 1
    finally:
        api_hooks.close(0.0)
    with redis.Redis.from_url(f"redis://:{PASSWORD}@127.0.0.1:{composed_port}/0") as workers:
        assert workers.llen(wire.RECORD_QUEUE) == 1
    with redis.Redis.from_url(url) as hook:
        for command in ("LRANGE record 0 -1", "RPOP record", "LPUSH classify.local x", "KEYS *", "CONFIG GET *"):
            with pytest.raises(redis.exceptions.NoPermissionError):
                hook.execute_command(*command.split())


def test_nobody_comes_in_without_a_password(composed_port: int) -> None:
    with redis.Redis(port=composed_port) as stranger, pytest.raises(redis.exceptions.AuthenticationError):
        stranger.ping()


def test_the_hooks_user_may_do_what_the_acl_that_we_ship_says_and_no_more() -> None:
    shipped = (Path(api_hooks.__file__).with_name("redis_publish_only.acl")).read_text().split()
    start = COMMAND.index("--user")
    composed = ["user", *COMMAND[start + 1 : start + len(shipped)]]
    passwords = [word for word in shipped + composed if word.startswith(">")]
    assert [word for word in composed if word not in passwords] == [word for word in shipped if word not in passwords]
    assert COMMAND[start + len(shipped) :] == []


def _url_in_the_comment(port: int) -> str:
    """The address that the file tells applications to use, with this Redis' password and port."""
    (told,) = re.findall(r"AFTERTAG_URL=(redis://\S+?)[,\s]", (ROOT / "docker-compose.yml").read_text())
    url = told.replace("<REDIS_HOOK_PASSWORD>", HOOK_PASSWORD).replace(":6379/", f":{port}/")
    assert urlsplit(url).hostname == "127.0.0.1"
    return url


def _answers(port: int) -> bool:
    try:
        with redis.Redis.from_url(f"redis://:{PASSWORD}@127.0.0.1:{port}/0", socket_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
