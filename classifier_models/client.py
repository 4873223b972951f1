"""The one door to model servers: a question goes to an endpoint and comes back as a reply. Retrying is not its work."""

import asyncio
import logging
import time
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import httpx

from classifier_models import endings, exchange, local, marker
from classifier_models.dialects import chat, messages, systemone
from classifier_models.dialects.dialect import Dialect, Structure
from classifier_models.endpoints import Endpoint
from classifier_models.question import Question
from classifier_models.reply import Case, Reply, Unanswered

log = logging.getLogger(__name__)

DIALECTS: Mapping[str, Dialect] = {"chat": chat, "messages": messages, "systemone": systemone}

_COMMON_HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
}


class ModelClient:
    """Asks models. One per process, made and used on one asyncio loop; `wall_clock` gives Unix seconds."""

    def __init__(self, *, wall_clock: Callable[[], float] = time.time) -> None:
        self._wall_clock = wall_clock
        # aiohttp looks proxies up anew for every call if it is allowed to at all.
        self._http = exchange.open_transport(trust_proxy_variables=bool(urllib.request.getproxies()))
        self._structures: dict[tuple[str, str], Structure] = {}
        self._local_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="aftertag-local")

    async def ask(self, endpoint: Endpoint, question: Question, timeout_seconds: float) -> Reply:
        """Return how the call ended, at the latest after `timeout_seconds`; nothing is raised but a cancellation."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(timeout_seconds):
                if endpoint.dialect == "local":
                    return await self._ask_local(question)
                return await self._ask_server(endpoint, question, began)
        except TimeoutError:
            return Unanswered(case=Case.TIMEOUT, latency_ms=_milliseconds_since(began), detail="no answer in time")
        except Exception as error:  # noqa: BLE001 - whatever a server provokes, the neighbours in the batch go on
            # Only the kind: a message may quote the answer.
            log.error("A call to endpoint %s ended in a %s.", endpoint.name, type(error).__name__)
            return Unanswered(case=Case.UNREADABLE, latency_ms=_milliseconds_since(began), detail=type(error).__name__)

    async def aclose(self) -> None:
        """Close the connections; calls under way end as unreachable."""
        await self._http.aclose()
        self._local_thread.shutdown(wait=False, cancel_futures=True)

    async def _ask_server(self, endpoint: Endpoint, question: Question, began: float) -> Reply:
        dialect = DIALECTS[endpoint.dialect]
        remembered = self._structures.get((endpoint.name, question.model), dialect.STRUCTURES[0])
        for structure in dialect.STRUCTURES[dialect.STRUCTURES.index(remembered) :]:
            reply = await self._ask_with(dialect, endpoint, question, structure, began)
            if reply is not None:
                if structure != remembered and not _failed_again(reply):
                    self._structures[endpoint.name, question.model] = structure
                return reply
        return Unanswered(
            case=Case.BAD_REQUEST,
            latency_ms=_milliseconds_since(began),
            detail="the server refuses every form of answer",
        )

    async def _ask_with(
        self, dialect: Dialect, endpoint: Endpoint, question: Question, structure: Structure, began: float
    ) -> Reply | None:
        """Return the reply, None when the server turned this form of answer down."""
        url, headers = _door(endpoint, question.prepared.mark)
        documents: list[Mapping[str, Any]] = []
        for content in dialect.contents(endpoint, question, structure):
            received = await exchange.post(self._http, url, headers, content)
            if isinstance(received, exchange.Broken):
                latency_ms = _milliseconds_since(began)
                return Unanswered(case=Case.UNREACHABLE, latency_ms=latency_ms, detail=received.kind)
            document = endings.read_json(received.body) if received.whole else None
            error = endings.error_of(document)
            if received.status == 200 and error is None and isinstance(document, dict):
                documents.append(document)
            elif structure != dialect.STRUCTURES[-1] and endings.refuses_structure(received.status, error):
                return None
            else:
                return self._without_answer(received, error, _milliseconds_since(began))
        return dialect.read(endpoint, question, documents, _milliseconds_since(began))

    def _without_answer(
        self, received: exchange.Received, error: Mapping[str, Any] | None, latency_ms: int
    ) -> Unanswered:
        is_success = 200 <= received.status < 300 and error is None
        case = Case.UNREADABLE if is_success else endings.case_of(received.status, error)
        return Unanswered(
            case=case,
            latency_ms=latency_ms,
            retry_after_seconds=self._retry_after_seconds(received, error),
            status=received.status,
            detail=endings.detail_of(received.status, error),
        )

    def _retry_after_seconds(self, received: exchange.Received, error: Mapping[str, Any] | None) -> float | None:
        availability = (error or {}).get("availability")
        said = availability.get("retry_after") if isinstance(availability, Mapping) else None
        return endings.retry_after_seconds(received.retry_after or said, wall_clock=self._wall_clock)

    async def _ask_local(self, question: Question) -> Reply:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._local_thread, local.ask, question)


@lru_cache(maxsize=128)
def _door(endpoint: Endpoint, mark: str) -> tuple[httpx.URL, httpx.Headers]:
    dialect = DIALECTS[endpoint.dialect]
    headers = {**_COMMON_HEADERS, **marker.headers(mark), **dialect.headers(endpoint)}
    return httpx.URL(dialect.url(endpoint)), httpx.Headers(headers)


def _failed_again(reply: Reply) -> bool:
    return isinstance(reply, Unanswered) and reply.case is Case.BAD_REQUEST


def _milliseconds_since(began: float) -> int:
    return round((time.perf_counter() - began) * 1000)
