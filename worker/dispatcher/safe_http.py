"""SSRF-safe HTTP for URLs that users supply: where `jobs.webhooks.url_policy` permits, with a time limit.

The name is resolved here, every address is checked, and the connection goes to a checked address; TLS and the
Host header still name the host. httpcore follows no redirects and reads no proxy from the environment.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import httpcore

from jobs.webhooks.url_policy import Targets

_SECONDS = 15.0  # for everything together, however slowly it comes
_CONNECT_SECONDS = 5.0
_ANSWER_BYTES = 64 * 1024

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class Failed(Exception):
    """No answer. The message is shown to whoever chose the address: it says nothing of our network."""


class Forbidden(Failed):
    """The host lies where requests may not go."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """Every address of a host, as the system knows them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for _, _, _, _, address in found]


async def post(
    url: str, headers: Mapping[str, str], body: bytes, targets: Targets, *, resolve: Resolve = resolve
) -> int:
    """The status of the answer to a POST. Raises `Failed`."""
    try:
        async with (
            asyncio.timeout(_SECONDS),
            httpcore.AsyncConnectionPool(
                ssl_context=ssl.create_default_context(),
                network_backend=CheckedBackend(targets, resolve),
                max_keepalive_connections=0,  # each connection is checked anew
            ) as pool,
            pool.stream(
                "POST",
                url,
                headers=[(name.encode(), value.encode()) for name, value in headers.items()],
                content=body,
                extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), _SECONDS)},
            ) as answer,
        ):
            await _read_a_little(answer)
            return answer.status
    except TimeoutError:
        raise Failed(f"no answer within {_SECONDS:.0f} seconds") from None
    except httpcore.TimeoutException:
        raise Failed("the host does not answer in time") from None
    except httpcore.ConnectError as error:
        tls = isinstance(error.__cause__, ssl.SSLError) or "SSL" in str(error)
        raise Failed("the TLS handshake failed" if tls else "no connection") from None
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol):
        raise Failed("the connection broke, or the answer is not HTTP") from None


async def _read_a_little(answer: httpcore.Response) -> None:
    """To the end of a short answer, so that its sender sees it taken. What it says is nothing to us."""
    size = 0
    async for piece in answer.aiter_stream():
        size += len(piece)
        if size > _ANSWER_BYTES:
            return


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections to permitted addresses only."""

    def __init__(self, targets: Targets, resolve: Resolve = resolve) -> None:
        """Ask `resolve` for addresses, and `targets` about them."""
        self._targets = targets
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
        """Connect to the first address that takes it. One forbidden address forbids the host."""
        try:
            addresses = await self._resolve(host, port)
        except OSError:
            raise Failed("the host's name cannot be resolved") from None
        if not addresses or not all(self._targets.permit(host, address) for address in addresses):
            raise Forbidden("the host is not at a public address")
        for address in dict.fromkeys(addresses):
            try:
                return await self._network.connect_tcp(address, port, _CONNECT_SECONDS)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        raise Failed("no connection")

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        """Never."""
        raise Forbidden("sockets of this machine are out of bounds")

    async def sleep(self, seconds: float) -> None:
        """As httpcore asks between attempts to connect."""
        await asyncio.sleep(seconds)
