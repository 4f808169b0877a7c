"""Servers that are frozen: their processes are there, and do nothing."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from cli.embedded.process import OwnedProcess


@contextmanager
def frozen(server: OwnedProcess) -> Iterator[None]:
    """While active, no process of the server does anything."""
    parent = psutil.Process(server.pid)
    parent.send_signal(signal.SIGSTOP)
    stopped = [parent, *parent.children(recursive=True)]
    for process in stopped[1:]:
        with suppress(psutil.NoSuchProcess):  # it was ending
            process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in stopped:
            with suppress(psutil.NoSuchProcess):  # its parent runs again, and may have ended it
                process.send_signal(signal.SIGCONT)
