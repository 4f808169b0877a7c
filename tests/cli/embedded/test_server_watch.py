"""`up` says of a server that its process runs and does not answer."""

import time
from pathlib import Path

import pytest

from cli.embedded import server_watch
from cli.embedded.postgres import Postgres
from cli.embedded.server import EmbeddedServer
from cli.embedded.valkey import Valkey
from tests.cli.embedded.freezing import frozen

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", [Postgres, Valkey])
def test_a_server_that_hangs_is_said_not_to_answer_until_it_does(
    kind: type[EmbeddedServer],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server_watch, "_CHECK_SECONDS", 0.02)
    monkeypatch.setattr(server_watch, "_SILENT_SECONDS", 2.0)
    shown = ""

    def wait_for(text: str) -> None:
        nonlocal shown
        deadline = time.monotonic() + 120
        while text not in shown:
            assert time.monotonic() < deadline, shown
            time.sleep(0.02)
            shown += capsys.readouterr().out

    with kind(tmp_path / "server") as server, server_watch.servers_watched([server]):
        with frozen(server):
            wait_for(f"{server.name} (process {server.pid}) has not answered since ")
        wait_for(f"{server.name} answers again")
        assert f"no job begins until it does (log: {server.log})" in shown
