"""Where the captures of a benchmark go: an HTTP server that takes whatever is posted, and says what came by path.

python -m tests.benchmarks.stage.sink        prints one line of JSON with its port; GET /seen gives the counts
"""

import asyncio
import json
from collections import Counter

_ANSWER = b'{"status": 1, "results": []}'


async def _connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Counter[str]) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            lines = head.split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            method, path, _ = lines[0].split(" ", 2)
            if method == "post":
                seen[path.partition("?")[0]] += len(body)
            answer = json.dumps(seen).encode() if method == "get" else _ANSWER
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(answer)
            )
            writer.write(answer)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def _serve() -> None:
    seen: Counter[str] = Counter()
    server = await asyncio.start_server(lambda *ends: _connection(*ends, seen), "127.0.0.1", 0, limit=1 << 26)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
