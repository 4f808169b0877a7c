"""Brings the figures of a worker's children to the worker's parent, which serves them.

A child computes for hours, is killed and is replaced; its parent lives as long as the worker. So a child
keeps no counts: it sends each value in a datagram to a socket in a directory that only its user can enter,
and the parent adds it up. What cannot be sent in a moment is dropped, because no job may wait for a figure.
"""

import json
import logging
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from jobs.monitoring.figures import record_into
from jobs.monitoring.port import take

log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 0.2
_PAUSE_SECONDS = 10.0
_LONGEST = 4096
_LONGEST_LABEL = 100


class FromChildren:
    """Takes in, in a thread, what the children of this process send."""

    def __init__(self, path: Path) -> None:
        """Listen at `path`. Raises OSError if that cannot be."""
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._thread = threading.Thread(target=self._receive, name="figures", daemon=True)
        self._stopped = False

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Listen no more, and remove the socket."""
        self._stopped = True
        self._path.unlink(missing_ok=True)
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RD)  # wakes the thread
        self._thread.join(timeout=1)
        self._socket.close()

    def _receive(self) -> None:
        while True:
            try:
                message = self._socket.recv(_LONGEST)
            except OSError:
                return
            if self._stopped:
                return
            if message:
                _take(message)


def pass_on_to(path: Path) -> None:
    """Send what this process records to its parent from now on."""
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sender.settimeout(_PATIENCE_SECONDS)
    give_up_until = 0.0

    def send(name: str, value: float, labels: Mapping[str, str]) -> None:
        nonlocal give_up_until
        if time.monotonic() < give_up_until:
            return
        try:
            sender.sendto(json.dumps([name, value, dict(labels)]).encode(), str(path))
        except TimeoutError:  # the parent hangs: do not wait for it with each figure
            give_up_until = time.monotonic() + _PAUSE_SECONDS
        except OSError:
            pass

    record_into(send)


def _take(message: bytes) -> None:
    """Count what a child has sent. A child opens what strangers have made, so nothing of it is believed."""
    try:
        name, value, labels = json.loads(message)
        if not all(isinstance(text, str) and len(text) <= _LONGEST_LABEL for text in labels.values()):
            raise ValueError("a label is no short text")
        take(name, float(value), labels)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        log.warning("a child sent what is no figure (%s)", type(error).__name__)
