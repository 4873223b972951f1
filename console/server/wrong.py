"""Whatever goes wrong, in one shape: {"error": {"code", "message"}}; nothing of a request's body is ever in it."""

import time
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console import errors as sentences
from console.server.errors import Refusal

SENTENCES = {
    404: "There is nothing at this address; /docs shows what there is.",
    405: "This address does not take that method; /docs shows what it takes.",
}
CODES = {404: "not_found", 405: "method_not_allowed"}
CALLER_GONE = 499
log = structlog.get_logger()


def response(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)


def with_retry(answer: Response, refusal: Refusal) -> Response:
    """Add the headers that a refusal brings."""
    if refusal.retry_after_seconds is not None:
        answer.headers["Retry-After"] = str(refusal.retry_after_seconds)
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


async def _of_a_refusal(_: Request, error: Refusal) -> Response:
    return with_retry(response(error.status, error.code, error.message), error)


async def _of_the_framework(_: Request, error: HTTPException) -> Response:
    """Answer for Starlette: no route, no such method."""
    status = error.status_code
    sentence = SENTENCES.get(status, HTTPStatus(status).phrase)
    answer = response(status, CODES.get(status, "http_error"), sentence)
    answer.headers.update(error.headers or {})
    return answer


async def _of_validation(_: Request, __: Exception) -> Response:
    """FastAPI's own answer would quote the input."""
    return response(422, "unreadable", "The request cannot be read; /docs shows what is taken.")


async def _of_a_mistake(_: Request, __: Exception) -> Response:
    return response(500, "internal", "Something nobody expected went wrong; the server's log says where.")


async def _of_who_has_gone(_: Request, __: ClientDisconnect) -> Response:
    return Response(status_code=CALLER_GONE)


HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    Refusal: _of_a_refusal,
    HTTPException: _of_the_framework,
    RequestValidationError: _of_validation,
    ClientDisconnect: _of_who_has_gone,
    Exception: _of_a_mistake,
}


class Guarded:
    """The outermost layer: counts requests, and tells an exception that nobody expected by kind and place only.

    uvicorn would log its message, which may hold text.
    """

    def __init__(self, app: ASGIApp, *, count: Callable[[str, int, float], None]) -> None:
        self._app = app
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun_at, status = time.perf_counter(), CALLER_GONE

        async def sending(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:  # noqa: BLE001 - Starlette has told the caller, and hands it on for the log
            log.error("a request failed unexpectedly", problem=sentences.unexpected(error), route=_route(scope))
        finally:
            self._count(_route(scope), status, time.perf_counter() - begun_at)


def _route(scope: Scope) -> str:
    """The route's own path: what a caller asked for beside them would make a metric of each guess."""
    return str(getattr(scope.get("route"), "path", "other"))
