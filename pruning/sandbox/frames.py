"""The protocol between a run and a helper: frames of a kind, a length and bytes.

The run's end trusts nothing: it specifies the expected kinds, the maximum length of each and a timeout.
"""

import json
import os
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any

JSON, TEXT, IDS, ERROR, END = b"{", b"t", b"i", b"!", b"."

_HEADER_BYTES = 9  # the kind, and the length as eight bytes
_CHUNK_BYTES = 1 << 20
_SECONDS_BETWEEN_CALLS = 0.5


class HelperFailed(Exception):
    """A helper has failed to answer correctly."""


class HelperExited(HelperFailed):
    """The helper process has ended."""


class HelperTimeout(HelperFailed):
    """The helper has not answered in time."""


class ProtocolViolation(HelperFailed):
    """The helper has sent an unexpected frame, or one that is too long."""


class RunConnection:
    """The run's end of the connection."""

    def __init__(
        self,
        connection: socket.socket,
        wall_seconds: float,
        *,
        while_waiting: Callable[[], None] = lambda: None,
    ) -> None:
        """`wall_seconds`: the timeout of one answer.

        `while_waiting`: called at least once a second while an answer is waited for, however slowly its bytes
        come; an exception that it raises ends the wait.
        """
        self._connection = connection
        self._wall_seconds = wall_seconds
        self._while_waiting = while_waiting
        self._next_call = 0.0
        self._received = bytearray()
        self.reset_timeout()

    def reset_timeout(self) -> None:
        """Restart the timeout for the next frames."""
        self._deadline = time.monotonic() + self._wall_seconds

    def send(self, kind: bytes, payload: bytes) -> None:
        """Send a frame. Raises HelperExited, or HelperTimeout if the helper does not read."""
        try:
            for piece in (_header(kind, len(payload)), payload):
                self._connection.settimeout(self._left())
                self._connection.sendall(piece)
        except TimeoutError as error:
            raise HelperTimeout from error
        except ConnectionError as error:
            raise HelperExited from error

    def receive(self, max_bytes: Mapping[bytes, int]) -> tuple[bytes, bytes]:
        """Return the kind and the bytes of the next frame. `max_bytes`: of each kind that it may be of.

        Raises `HelperExited`, `HelperTimeout` or `ProtocolViolation`.
        """
        header = self._take(_HEADER_BYTES)
        kind, length = header[:1], int.from_bytes(header[1:], "little")
        if kind not in max_bytes or length > max_bytes[kind]:
            raise ProtocolViolation(f"a frame {kind!r} of {length} bytes")
        return kind, self._take(length)

    def _take(self, count: int) -> bytes:
        while len(self._received) < count:
            if (now := time.monotonic()) >= self._next_call:
                self._next_call = now + _SECONDS_BETWEEN_CALLS
                self._while_waiting()
            self._connection.settimeout(min(self._left(), _SECONDS_BETWEEN_CALLS))
            try:
                piece = self._connection.recv(_CHUNK_BYTES)
            except TimeoutError:
                continue
            except ConnectionError as error:
                raise HelperExited from error
            if not piece:
                raise HelperExited
            self._received += piece
        taken = bytes(memoryview(self._received)[:count])
        del self._received[:count]
        return taken

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise HelperTimeout
        return left


class HelperConnection:
    """The helper's end of the connection, which trusts the run.

    It uses read(2) and write(2), because the sandbox refuses the system calls of sockets.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def send(self, kind: bytes, payload: bytes = b"") -> None:
        """Send a frame."""
        rest = memoryview(_header(kind, len(payload)) + payload)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def send_json(self, value: Any) -> None:  # noqa: ANN401 - any JSON value
        """Send a value as JSON."""
        self.send(JSON, json.dumps(value).encode())

    def receive_json(self) -> Any:  # noqa: ANN401 - any JSON value
        """Return the value of the next frame."""
        return json.loads(self._receive())

    def receive_text(self) -> str:
        """Return the text of the next frame. Raises EOFError once the run has closed the connection."""
        return self._receive().decode(errors="surrogatepass")

    def _receive(self) -> bytes:
        header = self._take(_HEADER_BYTES)
        return self._take(int.from_bytes(header[1:], "little"))

    def _take(self, count: int) -> bytes:
        taken = bytearray()
        while len(taken) < count:
            piece = os.read(self._descriptor, min(_CHUNK_BYTES, count - len(taken)))
            if not piece:
                raise EOFError
            taken += piece
        return bytes(taken)


def _header(kind: bytes, length: int) -> bytes:
    return kind + length.to_bytes(_HEADER_BYTES - 1, "little")
