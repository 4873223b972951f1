"""A model provider that speaks HTTP for real: chat completions, Responses, legacy completions, Anthropic messages, models.

    python -m tests.others.provider --port 0        prints one line of JSON with its port; standard library only

Any path that ends in `/chat/completions`, `/responses`, `/completions` or `/messages` is served, whatever stands before
it, so that one base URL fits OpenAI's SDK, Azure's, Anthropic's and LiteLLM; below `/api/` it counts cost as OpenRouter
does. Answers depend on the request's body alone, ids also on how often that body came. What else it plays stands in the
request, anywhere in the transcript; several are told apart by commas: `play: tool,slow:0.05`.

    tool  refusal  length  thinking  json   the kind of answer: `tests/others/provider_answers.py`
    words:500           an answer of 500 words, one a chunk
    cached              half of the prompt came from a cache
    400 401 429 500     that status, with an error in the API's form; 429*2: twice, then it answers
    error  cut          amid a stream: an event that tells of an error; the connection breaks
    slow:0.05           seconds before each chunk of a stream
    asked               each chunk of a stream once it is asked for, see `send_one_more`
    wait:0.2            seconds before the answer begins
    packed              all chunks in one packet
    counted             ids that do not tell calls apart, as some servers have them: `chatcmpl-123`
    fail                what is asked for with `background` comes to nothing
    undone              a stream that ends without its last event (`[DONE]`)

What is asked for with `background` is queued; retrieved, it is in progress once, then complete.
`GET /requests` gives what came in, oldest first: `[{"path", "headers", "body"}]`; `DELETE /requests` forgets it.
"""

import argparse
import asyncio
import hashlib
import json
import re
import string
import sys
import threading
from collections import Counter, deque
from collections.abc import Iterator
from itertools import chain, repeat
from types import TracebackType
from typing import Any, Self

from tests.others import provider_answers as answers
from tests.others import provider_streams as streams

_PLAY = re.compile(rb"play: ([a-z0-9_:.*,-]+)")
_LETTERS = string.ascii_letters + string.digits
_ID_CHARACTERS = 29
_FORMS = ("/chat/completions", "/responses", "/completions", "/messages")


class Provider:
    """The provider in a thread and loop of its own: `with Provider() as provider: provider.url`."""

    def __init__(self, *, port: int = 0) -> None:
        self.port = port
        self.requests: deque[dict[str, Any]] = deque(maxlen=2_000)
        self._seen: Counter[bytes] = Counter()
        self._played: Counter[bytes] = Counter()
        self._in_background: dict[str, Iterator[dict[str, Any]]] = {}
        self._asked_for = asyncio.Semaphore(0)
        self._loop = asyncio.new_event_loop()
        self._is_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="provider", daemon=True)

    @property
    def url(self) -> str:
        """The address without a path: OpenAI's SDK wants `/v1` after it, Anthropic's nothing."""
        return f"http://127.0.0.1:{self.port}"

    def send_one_more(self) -> None:
        """Let the next chunk of a stream that is `asked` for out; for a thread other than the provider's."""
        self._loop.call_soon_threadsafe(self._asked_for.release)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._is_up.wait(30), "the provider did not start"
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.run_until_complete(_end_all_others())
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(self.listen("127.0.0.1"))
        self._is_up.set()
        self._loop.run_forever()
        server.close()

    async def listen(self, host: str) -> asyncio.Server:
        """Listen, and know the port from then on."""
        server = await asyncio.start_server(self._connection, host, self.port, backlog=1024, limit=64 * 1024 * 1024)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client left, or the test ended
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer. Return whether the connection goes on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request_line, *lines = head.rstrip("\r\n").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        method, target, _ = request_line.split(" ", 2)
        path = target.partition("?")[0]
        form = next((form for form in _FORMS if path.endswith(form)), None)
        if method != "POST" or form is None:
            writer.write(_http(*self._other(method, path)))
            await writer.drain()
            return True
        request = json.loads(body)
        self.requests.append({"path": target, "headers": headers, "body": request})
        found = _PLAY.search(body)
        plays = [self._step(play, body) for play in (found[1].decode().split(",") if found else [])]
        id_ = self._id(body)
        asked = answers.Asked(
            form=form,
            request=request,
            id=id_[:3] if "counted" in plays else id_,
            plays=frozenset(play.partition(":")[0] for play in plays),
            reports_cost=path.startswith("/api/"),
            words=int(_number(plays, "words", 0)),
        )
        await asyncio.sleep(_number(plays, "wait", 0))
        status = next((int(play) for play in plays if play.isdigit()), 200)
        if status != 200:
            writer.write(_http(status, answers.error(form, status), more="retry-after-ms: 10\r\n"))
        elif asked.request.get("stream"):
            return await self._stream(writer, asked, _number(plays, "slow", 0))
        elif asked.request.get("background"):
            writer.write(_http(200, self._put_off(asked)))
        else:
            writer.write(_http(200, answers.whole(asked), more=f"x-request-id: req_{asked.id}\r\n"))
        await writer.drain()
        return True

    async def _stream(self, writer: asyncio.StreamWriter, asked: answers.Asked, slow_seconds: float) -> bool:
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n"
            b"x-request-id: req_" + asked.id.encode() + b"\r\n\r\n"
        )
        events = list(streams.events(asked))
        if "packed" in asked.plays:
            events = [b"".join(events)]
        for number, event in enumerate(events):
            if slow_seconds:
                await asyncio.sleep(slow_seconds)
            if "asked" in asked.plays:
                await self._asked_for.acquire()
            if "cut" in asked.plays and number == len(events) // 2:
                writer.transport.abort()
                return False
            writer.write(b"%x\r\n%s\r\n" % (len(event), event))
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    def _put_off(self, asked: answers.Asked) -> dict[str, Any]:
        """A response that is retrieved later: first it is in progress, then it is what it comes to, again and again."""
        whole = answers.response(asked, status="failed" if "fail" in asked.plays else None)
        self._in_background[whole["id"]] = chain([answers.response(asked, status="in_progress")], repeat(whole))
        return answers.response(asked, status="queued")

    def _other(self, method: str, path: str) -> tuple[int, Any]:
        if path == "/requests":
            seen = list(self.requests)
            if method == "DELETE":
                self.requests.clear()
            return 200, seen
        if path.endswith("/models"):
            return 200, {"object": "list", "data": [{"id": "gpt-5-mini", "object": "model", "owned_by": "test"}]}
        if put_off := self._in_background.get(path.rpartition("/responses/")[2]):
            return 200, next(put_off)
        return 404, {"error": {"message": f"There is no {path}", "type": "invalid_request_error"}}

    def _step(self, play: str, body: bytes) -> str:
        """A play that is to come so many times only is none afterwards."""
        name, _, times = play.partition("*")
        key = hashlib.sha256(body + play.encode()).digest()
        self._played[key] += 1
        return name if not times or self._played[key] <= int(times) else ""

    def _id(self, body: bytes) -> str:
        key = hashlib.sha256(body).digest()
        self._seen[key] += 1
        digest = hashlib.sha512(key + str(self._seen[key]).encode()).digest()
        return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:_ID_CHARACTERS])


async def _end_all_others() -> None:
    """Cancel every task but this one, and see their ends."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _number(plays: list[str], name: str, otherwise: float) -> float:
    return next((float(play.partition(":")[2]) for play in plays if play.startswith(name + ":")), otherwise)


def _http(status: int, answer: Any, more: str = "") -> bytes:
    body = json.dumps(answer).encode()
    head = f"HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


async def _serve(port: int) -> None:
    provider = Provider(port=port)
    server = await provider.listen("127.0.0.1")
    print(json.dumps({"port": provider.port}), flush=True)  # noqa: T201
    await server.serve_forever()


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.others.provider")
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(_serve(parser.parse_args(arguments).port))


if __name__ == "__main__":
    main(sys.argv[1:])
