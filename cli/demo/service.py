"""The service of the demo: `pruneserve up` as a child process."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from cli.data_directory import DataDirectory
from cli.embedded.process import OwnedProcess
from cli.embedded.server import free_port
from pruneserve_client import Client


class DemoService(OwnedProcess):
    """`pruneserve up` on a free port, with its data under `cache`: `with DemoService(...) as service`."""

    name = "up"
    start_seconds = 900.0  # it waits for each of its own processes, and says itself which one is not ready
    stop_seconds = 90.0  # the sum of the times that `up` gives its own processes

    def __init__(self, cache: Path, *, models: Path) -> None:
        """`models` is a directory whose models jobs may use."""
        super().__init__(cache / "up")
        self.data = DataDirectory(cache / "service")
        self.port = free_port()
        self._models = models

    @property
    def url(self) -> str:
        """The address of the API and of the page."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def arguments(self) -> list[str]:
        """The arguments of the `pruneserve` command that starts this service."""
        return ["up", "--data", str(self.data.root), "--port", str(self.port), "--root", str(self._models)]

    @property
    def sign_in_link(self) -> str:
        """The link to the page that `up` has printed, which works once; empty as long as it has not."""
        found = re.search(rf"{re.escape(self.url)}/sign-in\S+", self.said)
        return found[0] if found else ""

    def client(self) -> Client:
        """Return a client with the service's first API key."""
        return Client(self.url, self.data.api_key.read_text(encoding="ascii").strip())

    def _prepare(self) -> None:
        pass

    def _command(self) -> Sequence[str]:
        return [sys.executable, "-P", "-u", "-m", "cli.main", *self.arguments]

    def _is_ready(self) -> bool:
        self._not_ready = "it has not said yet where its page is"
        return bool(self.sign_in_link)
