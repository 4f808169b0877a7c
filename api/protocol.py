"""HTTP/1.1 on a socket, with limits that hold before there is a request: uvicorn itself has none of these.

A client that opens connections and sends nothing, or a header byte by byte, would hold them for ever.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from typing import ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol

from api.rate_limit import network_of
from jobs.settings import Settings


class GuardedProtocol(H11Protocol):
    """Closes connections without a whole header in time, and those of an address that has too many."""

    header_seconds: ClassVar[float] = 20.0
    per_address: ClassVar[int] = 200
    trusted: ClassVar[Sequence[str]]
    counted: ClassVar[Counter[str]]

    _network: str | None = None
    _timer: asyncio.TimerHandle | None = None

    @classmethod
    def of(cls, settings: Settings) -> "type[GuardedProtocol]":
        """Return the class with the limits of these settings, and a count of its own."""
        limits = {
            "trusted": settings.trusted_proxies,
            "counted": Counter(),
        }
        return type("GuardedProtocol", (cls,), limits)

    # As uvicorn's own protocols do, this one expects the transport of a connection.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection, and begin to wait for a request."""
        super().connection_made(transport)
        address = self.client[0] if self.client else ""
        if not self._is_trusted(address):
            self._network = network_of(address)
            self.counted[self._network] += 1
            if self.counted[self._network] > self.per_address:
                transport.abort()
                return
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take in bytes, and wait on if they are not the whole header of a request."""
        super().data_received(data)
        if self._between_requests():
            self._wait()
        else:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the connection off the count."""
        super().connection_lost(exc)
        self._stop_waiting()
        if self._network is not None:
            self.counted[self._network] -= 1
            if not self.counted[self._network]:
                del self.counted[self._network]
            self._network = None

    def _between_requests(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _is_trusted(self, address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in ip_network(proxy) for proxy in self.trusted)

    def _wait(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.header_seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if self._between_requests():
            self.transport.close()
