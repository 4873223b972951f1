"""Connections whose request line and headers do not come are closed: a thousand of them would be all there may be."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 20.0


class Punctual(H11Protocol):
    """uvicorn's protocol, which knows no such bound: its own timeout ends with the first byte of a request."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._late = self.loop.call_later(HEAD_SECONDS, self._close)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_between_requests():
            if self._late is None:
                self._late = self.loop.call_later(HEAD_SECONDS, self._close)
        else:
            self._be_patient()

    def connection_lost(self, exc: Exception | None) -> None:
        self._be_patient()
        super().connection_lost(exc)

    def _is_between_requests(self) -> bool:
        """Whether a head is awaited: none came yet, or the last request has been answered."""
        cycle: Any = self.cycle
        return cycle is None or bool(cycle.response_complete)

    def _be_patient(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _close(self) -> None:
        self._late = None
        if self._is_between_requests():
            self.transport.close()
