"""What the two ends of a helper's connection say to each other: frames of one kind, a length and bytes.

The end outside of the sandbox believes nothing: it says which kinds it expects, how long a frame may be and
until when it must be there.
"""

import json
import os
import select
import socket
import time
from typing import Any

JSON, TEXT, IDS, ERROR, END = b"{", b"t", b"i", b"!", b"."

_HEADER = 9  # the kind, and the length as eight bytes
_PIECE = 1 << 20


class HelperFailed(Exception):
    """A helper has not answered as it must."""


class Gone(HelperFailed):
    """It has ended."""


class TooLate(HelperFailed):
    """It has not answered in time."""


class Broken(HelperFailed):
    """It does not keep to what was agreed: an unexpected frame, or one that is too long."""


class Outside:
    """The end that the run holds."""

    def __init__(self, connection: socket.socket, wall_seconds: float) -> None:
        """`wall_seconds`: what one answer may take."""
        self._connection = connection
        self._wall_seconds = wall_seconds
        self._received = bytearray()
        self.reset_timeout()

    def reset_timeout(self) -> None:
        """Restart the timeout for the next frames."""
        self._deadline = time.monotonic() + self._wall_seconds

    def is_ready(self, seconds: float) -> bool:
        """Wait for `seconds` at most. Return whether the helper has sent something, or has ended.

        Raises `TooLate`.
        """
        waiting = min(seconds, self._left())
        return bool(self._received) or bool(select.select([self._connection], [], [], waiting)[0])

    def send(self, kind: bytes, payload: bytes) -> None:
        """Send a frame. Raises `Gone`, or `TooLate` if the helper does not read."""
        try:
            for piece in (_header(kind, len(payload)), payload):
                self._connection.settimeout(self._left())
                self._connection.sendall(piece)
        except TimeoutError as error:
            raise TooLate from error
        except ConnectionError as error:
            raise Gone from error

    def receive(self, longest: int, *expected: bytes) -> tuple[bytes, bytes]:
        """Return the kind and the bytes of the next frame, of at most `longest`.

        Raises `Gone`, `TooLate` or `Broken`.
        """
        header = self._take(_HEADER)
        kind, length = header[:1], int.from_bytes(header[1:], "little")
        if kind not in expected or length > longest:
            raise Broken(f"a frame {kind!r} of {length} bytes")
        return kind, self._take(length)

    def _take(self, count: int) -> bytes:
        while len(self._received) < count:
            self._connection.settimeout(self._left())
            try:
                piece = self._connection.recv(_PIECE)
            except TimeoutError as error:
                raise TooLate from error
            except ConnectionError as error:
                raise Gone from error
            if not piece:
                raise Gone
            self._received += piece
        taken = bytes(memoryview(self._received)[:count])
        del self._received[:count]
        return taken

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TooLate
        return left


class Inside:
    """The end that the helper holds, which believes the other one.

    It reads and writes as with any file, because the calls of sockets are refused there.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def send(self, kind: bytes, payload: bytes = b"") -> None:
        """Send a frame."""
        rest = memoryview(_header(kind, len(payload)) + payload)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def send_json(self, value: Any) -> None:  # noqa: ANN401 - whatever JSON can say
        """Send a value as JSON."""
        self.send(JSON, json.dumps(value).encode())

    def receive_json(self) -> Any:  # noqa: ANN401 - whatever JSON can say
        """Return the value of the next frame."""
        return json.loads(self._receive())

    def receive_text(self) -> str:
        """Return the text of the next frame. Raises EOFError once the run wants no more."""
        return self._receive().decode(errors="surrogatepass")

    def _receive(self) -> bytes:
        header = self._take(_HEADER)
        return self._take(int.from_bytes(header[1:], "little"))

    def _take(self, count: int) -> bytes:
        taken = bytearray()
        while len(taken) < count:
            piece = os.read(self._descriptor, min(_PIECE, count - len(taken)))
            if not piece:
                raise EOFError
            taken += piece
        return bytes(taken)


def _header(kind: bytes, length: int) -> bytes:
    return kind + length.to_bytes(_HEADER - 1, "little")
