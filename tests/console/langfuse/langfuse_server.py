"""A Langfuse that speaks HTTP for real: its public API of scores, as two of its releases have it.

`lists=True` is the API of langfuse-python 5.0.4 (langfuse/api/scores: a list of scores in, 202, or 207 with counts);
`lists=False` that of Langfuse 4.16 (fern/apis/server/definition/scores.yml: one score in, 200 with its id, 400 for a list).
Like Langfuse it keeps a score by the day of its time, its name and its id: sent again with another time it is another.
"""

import base64
import json
import threading
from collections import Counter, deque
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

BODY_BYTES = 1_000_000
KEYS = ("pk-lf-1", "sk-lf-1")


class LangfuseServer:
    """The server in a thread of its own; `faults` are answered first, as (status, headers)."""

    def __init__(self, *, lists: bool = True) -> None:
        self.lists = lists
        self.faults: deque[tuple[int, dict[str, str]]] = deque()
        self.stored: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.requests: Counter[str] = Counter()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Answering,), {"langfuse": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def scores(self) -> list[tuple[str, str, str | None, str | None]]:
        """(name, value, trace, observation) of every score, in order."""
        found = [
            (one["name"], one["value"], one.get("traceId"), one.get("observationId")) for one in self.stored.values()
        ]
        return sorted(found, key=lambda each: tuple(map(str, each)))

    def take(self, score: dict[str, Any]) -> str | None:
        """Keep a score; return what is wrong with it."""
        if not isinstance(score, dict) or not isinstance(score.get("name"), str) or not score["name"]:
            return "name: Invalid input"
        if score.get("dataType") != "CATEGORICAL" or not isinstance(score.get("value"), str):
            return "value: Invalid input: expected string"
        if not score.get("traceId"):
            return "Provide exactly one of the following: traceId (with optional observationId), sessionId or datasetRunId."
        if score["value"] == "refused":
            return "value: refused"
        time = datetime.fromisoformat(score["timestamp"]) if self.lists else datetime.now().astimezone()
        if time.tzinfo is None:
            return "timestamp: Invalid ISO datetime"
        known = next((key for key in self.stored if key[2] == score["id"]), None)
        day = str(time.date()) if self.lists or known is None else known[0]  # 4.16 keeps the first event's time
        self.stored[day, score["name"], score["id"]] = score
        return None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Answering(BaseHTTPRequestHandler):
    langfuse: LangfuseServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._is_let_in("POST"):
            return
        if len(body) > BODY_BYTES:
            self._answer(413, {"message": "Body exceeded 1mb limit"})
            return
        given = json.loads(body)
        if not self.langfuse.lists:
            problem = "expected object, received array" if isinstance(given, list) else self.langfuse.take(given)
            told = {"message": "Invalid request data", "error": [problem]} if problem else {"id": given["id"]}
            self._answer(400 if problem else 200, told)
        elif not isinstance(given, list):
            self._answer(400, {"message": "Invalid request data"})
        else:
            problems = [problem for score in given if (problem := self.langfuse.take(score))]
            counts = {"accepted": len(given) - len(problems), "rejected": len(problems)}
            errors = [{"message": problem} for problem in problems]
            self._answer(
                207 if problems else 202, {**counts, "errors": errors} if problems else {"message": "Accepted"}
            )

    def do_DELETE(self) -> None:
        if not self._is_let_in("DELETE"):
            return
        id_ = self.path.rpartition("/")[2]
        gone = [key for key in self.langfuse.stored if key[2] == id_]
        for key in gone:
            del self.langfuse.stored[key]
        self._answer(200 if gone else 404, {"message": "Score deletion queued successfully" if gone else "Not found"})

    def _is_let_in(self, method: str) -> bool:
        self.langfuse.requests[method] += 1
        if self.langfuse.faults:
            status, headers = self.langfuse.faults.popleft()
            self._answer(status, {"message": "fault"}, headers)
            return False
        wanted = "Basic " + base64.b64encode(":".join(KEYS).encode()).decode()
        if self.headers.get("Authorization") != wanted:
            self._answer(401, {"message": "Invalid credentials. Confirm that you've configured the correct host."})
            return False
        if not self.path.startswith("/api/public/scores"):
            self._answer(404, {"message": "Not found"})
            return False
        return True

    def _answer(self, status: int, told: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name in the base class
        """Say nothing."""
