"""What happens to a request that brings generations: key, rate, body, reading, recording, answer."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from fastapi import FastAPI, Security
from fastapi import Request as HttpRequest
from fastapi.security import APIKeyHeader, HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials
from starlette.responses import Response

from console.server import errors, wrong
from console.server.arrivals import Arrivals, Checked, Result
from console.server.house import House
from console.server.ways import Answer, Request, Way

FEW = 200
"""Results that are put into words on the event loop's thread."""

_bearer = HTTPBearer(
    auto_error=False, description="An application's key: `aftertag key create NAME --application APP`."
)
_api_key = APIKeyHeader(name="X-Api-Key", auto_error=False, description="The same key, for who cannot send the other.")


def add_route(app: FastAPI, way: Way, house: House) -> None:
    """Take POST at the way's path."""

    async def take(
        http: HttpRequest,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
        api_key: Annotated[str | None, Security(_api_key)],
    ) -> Response:
        request = Request(headers=dict(http.headers), generations_at_most=house.settings.http_generations)
        token = bearer.credentials if bearer else api_key
        body = http.stream()
        try:
            answer = await _taken(body, request, token, way=way, house=house)
        except errors.Refusal as refusal:
            if "expect" not in request.headers:  # who asked before sending has sent nothing
                await house.receiver.pass_over(body, announced=request.headers.get("content-length"))
            house.refusals.count(way, refusal, token=token)
            if way.refuse is None:
                raise
            return wrong.with_retry(_response(way.refuse(request, refusal)), refusal)
        return _response(answer)

    for path in (
        way.path,
        f"{way.path}/",
    ):  # a redirect would lead out of https behind a proxy, and POSTs do not follow it
        app.add_api_route(
            path,
            take,
            methods=["POST"],
            name=way.name,
            tags=["Ways in"],
            response_class=Response,
            responses=dict(way.responses),
            openapi_extra=dict(way.describe),
            include_in_schema=path == way.path,
        )


async def _taken(
    stream: AsyncIterator[bytes], request: Request, token: str | None, *, way: Way, house: House
) -> Answer:
    bearer = await house.keyring.bearer(token)
    house.rates.enter(bearer.id)
    announced, encoding = (request.headers.get(name) for name in ("content-length", "content-encoding"))
    async with house.receiver.received(stream, owner=bearer.workspace, announced=announced) as body:

        def read() -> tuple[Request, Arrivals, list[Checked]]:
            with body.being_read():
                whole = request.received(body.unpacked(encoding), workspace=bearer.workspace)
                arrivals = way.read(whole)
                return whole, arrivals, house.intake.check(arrivals, bearer=bearer)

        whole, arrivals, checked = await house.intake.read(read, owner=bearer.workspace)
        house.rates.count(bearer.id, len(checked) - 1)
        results = await house.intake.finish(arrivals, checked, owner=bearer.workspace)
        if len(results) > FEW:  # the event loop would stand still for the time that so many take
            return await asyncio.to_thread(_answered, way, house, whole, arrivals, results)
    return _answered(way, house, whole, arrivals, results)


def _answered(way: Way, house: House, whole: Request, arrivals: Arrivals, results: Sequence[Result]) -> Answer:
    house.http_metrics.count_results(way.name, results)
    house.http_metrics.count_ignored(arrivals.ignored)
    return way.answer(whole, arrivals, results)


def _response(answer: Answer) -> Response:
    return Response(answer.body, status_code=answer.status, media_type=answer.media_type)
