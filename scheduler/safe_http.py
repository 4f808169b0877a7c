"""SSRF-safe HTTP for URLs that users supply.

The host name is resolved here, every address is checked against `jobs.webhooks.url_policy`, and the
connection goes to a checked address, while TLS and the Host header still name the host. httpcore follows no
redirects and reads no proxy from the environment. A request has a time limit, however slowly its response
arrives.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpcore

from jobs.webhooks.url_policy import UrlPolicy

_TOTAL_SECONDS = 15.0
_CONNECT_SECONDS = 5.0
_MAX_RESPONSE_BYTES = 64 * 1024

# Many: a thread waits for a slow name server longer than the request that asked, and nothing can stop it.
_resolvers = ThreadPoolExecutor(128, thread_name_prefix="resolve")

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class RequestFailed(Exception):
    """There was no response. The message is shown to the user and reveals nothing about our network."""


class AddressForbidden(RequestFailed):
    """The host has no address, or one that the policy does not permit: the message does not say which."""

    def __init__(self) -> None:
        super().__init__("the host has no public address")


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return every address of a host, from the system's resolver."""
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_resolvers, look_up)
    return [str(address[0]) for _, _, _, _, address in found]


async def post(
    url: str, headers: Mapping[str, str], body: bytes, url_policy: UrlPolicy, *, resolve: Resolve = resolve
) -> int:
    """Send a POST and return the status of the response. Raises `RequestFailed`."""
    try:
        async with (
            asyncio.timeout(_TOTAL_SECONDS),
            httpcore.AsyncConnectionPool(
                ssl_context=ssl.create_default_context(),
                network_backend=CheckedBackend(url_policy, resolve),
                max_keepalive_connections=0,  # so that every request checks the addresses again
            ) as pool,
            pool.stream(
                "POST",
                url,
                headers=[(name.encode(), value.encode()) for name, value in headers.items()],
                content=body,
                extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), _TOTAL_SECONDS)},
            ) as response,
        ):
            await _drain(response)
            return response.status
    except TimeoutError:
        raise RequestFailed(f"no answer within {_TOTAL_SECONDS:.0f} seconds") from None
    except httpcore.TimeoutException:
        raise RequestFailed("the host does not answer in time") from None
    except httpcore.ConnectError as error:
        tls = isinstance(error.__cause__, ssl.SSLError) or "SSL" in str(error)
        raise RequestFailed("the TLS handshake failed" if tls else "no connection") from None
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, ssl.SSLError):
        # After the handshake, httpcore passes on what TLS finds wrong: a damaged record, an alert.
        raise RequestFailed("the connection broke, or the answer is not HTTP") from None


async def _drain(response: httpcore.Response) -> None:
    """Read a short response to its end, so that the server sees it delivered, and ignore its content."""
    size = 0
    async for chunk in response.aiter_stream():
        size += len(chunk)
        if size > _MAX_RESPONSE_BYTES:
            return


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections to permitted addresses only."""

    def __init__(self, url_policy: UrlPolicy, resolve: Resolve = resolve) -> None:
        """`url_policy` decides which of the addresses that `resolve` finds are permitted."""
        self._url_policy = url_policy
        self._resolve = resolve
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that accepts. One address that is not permitted forbids the host."""
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError):
            raise AddressForbidden from None
        if not addresses or not all(self._url_policy.permit(host, address) for address in addresses):
            raise AddressForbidden
        for address in dict.fromkeys(addresses):
            try:
                return await self._network.connect_tcp(address, port, _CONNECT_SECONDS)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        raise RequestFailed("no connection")
