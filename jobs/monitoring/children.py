"""Brings the figures of a worker's children to the worker's parent, which serves them.

A child computes for hours, is killed and is replaced; its parent lives as long as the worker. So a child
keeps no counts: it sends each value in a datagram to a socket in a directory that only its user can enter,
and the parent adds it up. What cannot be sent in a moment is dropped, because no job may wait for a figure.
"""

import json
import logging
import math
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from jobs.monitoring.catalogue import FIGURES
from jobs.monitoring.figures import Part, record_into
from jobs.monitoring.port import take

log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 0.2
_PAUSE_SECONDS = 10.0
_LONGEST = 4096
_LONGEST_LABEL = 100
_LARGEST = 2.0**63
_MOST_LABELS = 200
"""Combinations of labels that all children of a worker may give a figure."""


class FromChildren:
    """Takes in, in a thread, what the children of this process send."""

    def __init__(self, path: Path) -> None:
        """Listen at `path`. Raises OSError if that cannot be."""
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._thread = threading.Thread(target=self._receive, name="figures", daemon=True)
        self._stopped = False
        self._labels: dict[str, set[tuple[str, ...]]] = {}
        self._refused = 0

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
                self._take(message)

    def _take(self, message: bytes) -> None:
        """Count what a child has sent. It opens untrusted files: nothing it sends is trusted."""
        try:
            name, value, labels = _read(message)
            self._admit(name, labels)
            take(name, value, labels)
        except Exception as error:  # whatever a message makes a parser do, the thread continues
            self._refused += 1
            if self._refused & (self._refused - 1) == 0:  # the first, and each that doubles their number
                log.warning(
                    "a child sent what is no figure (%s), %d so far", type(error).__name__, self._refused
                )

    def _admit(self, name: str, labels: Mapping[str, str]) -> None:
        """Raise ValueError if labels are new and the figure has as many as it may have."""
        known, values = self._labels.setdefault(name, set()), tuple(labels[each] for each in sorted(labels))
        if values not in known and len(known) >= _MOST_LABELS:
            raise ValueError(f"{name} has {_MOST_LABELS} combinations of labels: no more are taken")
        known.add(values)


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


def _read(message: bytes) -> tuple[str, float, dict[str, str]]:
    """Return the figure's name, the value and the labels. Raises for whatever no child of ours sends."""
    name, value, labels = json.loads(message)
    figure = FIGURES[name]
    if Part.WORKER not in figure.parts:
        raise ValueError(f"{name} is no figure of a worker")
    if type(value) not in (int, float) or not math.isfinite(value) or abs(value) > _LARGEST:
        raise ValueError(f"{name} is no number up to {_LARGEST}")
    if not all(isinstance(text, str) and len(text) <= _LONGEST_LABEL for text in labels.values()):
        raise ValueError(f"a label of {name} is no text of at most {_LONGEST_LABEL} letters")
    if not figure.has(labels):
        raise ValueError(f"{name} has no such labels")
    return name, float(value), labels
