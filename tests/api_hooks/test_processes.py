"""The hook in fresh, forked and ending interpreters."""

import base64
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import redis

from api_hooks import wire
from worker.embedded.redis_server import RedisServer

ROOT = Path(__file__).parents[2]
HEAVY = {"celery", "kombu", "redis", "sqlalchemy", "psycopg", "httpx", "pydantic", "asyncio", "ssl", "multiprocessing"}


def run(code: str, *arguments: str, deadline_seconds: float = 30) -> subprocess.CompletedProcess[str]:
    """Run a program in an interpreter of its own; it has to end well."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=deadline_seconds,
        check=True,
    )


def texts(url: str) -> list[str]:
    with redis.Redis.from_url(url) as client:
        raws = client.lrange(wire.RECORD_QUEUE, 0, -1)[::-1]
    batches = [json.loads(base64.b64decode(json.loads(raw)["body"]))[0][0] for raw in raws]
    # A batch that Redis took without saying so in time comes twice, with the same ids; the worker records it once.
    return sorted({g["id"]: g["turns"][0][1] for batch in batches for g in batch["generations"]}.values())


def test_importing_the_hook_loads_only_the_standard_library_and_starts_no_thread() -> None:
    ended = run("""
        import sys, threading
        before = set(sys.modules)
        import api_hooks
        print(threading.active_count(), *{name.split(".")[0] for name in set(sys.modules) - before})
    """)
    threads, *loaded = ended.stdout.split()
    assert threads == "1"
    assert set(loaded) & HEAVY == set()
    assert set(loaded) - set(sys.stdlib_module_names) == {"api_hooks"}


def test_configuring_starts_no_thread_and_reads_no_file_of_ours() -> None:
    ended = run("""
        import sys, threading, api_hooks
        before = set(sys.modules)
        api_hooks.configure(url="redis://127.0.0.1:1/0", workspace="acme")
        print(threading.active_count(), *(set(sys.modules) - before))
    """)
    assert ended.stdout.split() == ["1"]


def test_what_waits_is_sent_when_the_interpreter_ends(redis_db_url: str) -> None:
    run(
        """
        import sys, api_hooks
        api_hooks.configure(url=sys.argv[1], workspace="acme", flush_seconds=30, exit_seconds=20)
        api_hooks.enqueue("last words")
        """,
        redis_db_url,
    )
    assert texts(redis_db_url) == ["last words"]


def test_what_waits_is_sent_when_the_program_ends_in_an_exception(redis_db_url: str) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        run(
            """
            import sys, api_hooks
            api_hooks.configure(url=sys.argv[1], workspace="acme", flush_seconds=30, exit_seconds=20)
            api_hooks.enqueue("last words")
            raise RuntimeError
            """,
            redis_db_url,
        )
    assert texts(redis_db_url) == ["last words"]


def test_a_redis_that_is_away_holds_up_the_interpreters_end_no_longer_than_it_may() -> None:
    ended = run("""
        import atexit, time, api_hooks
        atexit.register(lambda: print(time.perf_counter() - ending))   # runs after the hook's, which is registered later
        api_hooks.configure(url="redis://127.0.0.1:1/0", workspace="acme", exit_seconds=0.5)
        api_hooks.enqueue("never sent")
        ending = time.perf_counter()
    """)
    assert 0.4 < float(ended.stdout) < 15
    assert "1 generations were not sent" in ended.stderr


def test_a_hung_redis_holds_up_the_interpreters_end_no_longer_than_it_may(own_redis: RedisServer) -> None:
    ended = run(
        """
        import atexit, os, signal, sys, time, api_hooks
        atexit.register(lambda: print(time.perf_counter() - ending))
        api_hooks.configure(url=sys.argv[1], workspace="acme", exit_seconds=0.5, socket_timeout_seconds=60)
        api_hooks.enqueue("sent")
        assert api_hooks.flush(30)
        os.kill(int(sys.argv[2]), signal.SIGSTOP)
        api_hooks.enqueue("never sent")
        ending = time.perf_counter()
        """,
        own_redis.url,
        str(own_redis.pid),
    )
    run("import os, signal, sys; os.kill(int(sys.argv[1]), signal.SIGCONT)", str(own_redis.pid))
    assert 0.4 < float(ended.stdout) < 15


def test_after_a_fork_the_child_sends_its_own_and_the_parent_its_own(redis_db_url: str) -> None:
    run(
        """
        import os, sys, api_hooks
        api_hooks.configure(url=sys.argv[1], workspace="acme", flush_seconds=30)
        api_hooks.enqueue("parent, sent before")
        assert api_hooks.flush(30)
        api_hooks.enqueue("parent, waiting at the fork")
        child = os.fork()
        if child == 0:
            assert api_hooks.stats().accepted == 0
            api_hooks.enqueue("child")
            assert api_hooks.flush(30)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        api_hooks.enqueue("parent, after")
        assert api_hooks.flush(30)
        """,
        redis_db_url,
    )
    assert texts(redis_db_url) == ["child", "parent, after", "parent, sent before", "parent, waiting at the fork"]


def test_forking_again_and_again_while_threads_enqueue_hangs_no_child(redis_db_url: str) -> None:
    run(
        """
        import os, sys, threading, api_hooks
        api_hooks.configure(url=sys.argv[1], workspace="acme", flush_seconds=0.01)
        done = threading.Event()
        def busy():
            while not done.is_set():
                api_hooks.enqueue("busy")
        for _ in range(2):
            threading.Thread(target=busy, daemon=True).start()
        for number in range(20):
            child = os.fork()
            if child == 0:
                api_hooks.enqueue(f"child {number}")
                os._exit(0 if api_hooks.flush(30) else 1)
            assert os.waitpid(child, 0)[1] == 0, (number, api_hooks.stats())
        done.set()
        """,
        redis_db_url,
        deadline_seconds=60,
    )
    children = [text for text in texts(redis_db_url) if text.startswith("child")]
    assert children == sorted(f"child {number}" for number in range(20))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing_send_what_waits_when_they_end(
    method: str, redis_db_url: str, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent("""
            import multiprocessing, sys
            import api_hooks

            def work(url, number):
                api_hooks.configure(url=url, workspace="acme", flush_seconds=30, exit_seconds=20)
                api_hooks.enqueue(f"child {number}")

            if __name__ == "__main__":
                context = multiprocessing.get_context(sys.argv[2])
                children = [context.Process(target=work, args=(sys.argv[1], number)) for number in range(2)]
                for child in children:
                    child.start()
                for child in children:
                    child.join()
                    assert child.exitcode == 0
        """)
    )
    subprocess.run(
        [sys.executable, str(program), redis_db_url, method],
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        timeout=60,
        check=True,
    )
    assert texts(redis_db_url) == ["child 0", "child 1"]
