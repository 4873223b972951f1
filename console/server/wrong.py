"""Whatever goes wrong, in one shape: {"error": {"code", "message"}}; nothing of a request's body is ever in it."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console import errors as sentences
from console.server.errors import Refusal

SENTENCES = {
    404: "There is nothing at this address; /docs shows what there is.",
    405: "This address does not take that method; /docs shows what it takes.",
}
CODES = {404: "not_found", 405: "method_not_allowed"}
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


HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    Refusal: _of_a_refusal,
    HTTPException: _of_the_framework,
    RequestValidationError: _of_validation,
}


class Guarded:
    """The outermost layer: an exception that nobody expected is told by kind and place, never by its message."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:  # noqa: BLE001 - uvicorn would log it with its message, which may hold text
            log.error("a request failed unexpectedly", problem=sentences.unexpected(error), path=scope["path"][:100])
            if not begun:
                told = response(500, "internal", "Something nobody expected went wrong; the server's log says where.")
                await told(scope, receive, send)
