"""`up` reports of a server that its process runs and does not answer."""

import time
from pathlib import Path

import pytest

from cli.embedded import server_watch
from cli.embedded.postgres import Postgres
from cli.embedded.process import OwnedProcess
from cli.embedded.server import EmbeddedServer, free_port
from cli.embedded.services import Api
from cli.embedded.valkey import Valkey
from jobs.settings import Settings
from tests.cli.embedded.freezing import frozen

pytestmark = pytest.mark.slow


@pytest.fixture(params=[Postgres, Valkey, Api])
def server(request: pytest.FixtureRequest, tmp_path: Path, settings: Settings) -> OwnedProcess:
    """A server that is not started yet."""
    if request.param is not Api:
        kind: type[EmbeddedServer] = request.param
        return kind(tmp_path / "server")
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "STORE_URL": settings.store_url,
    }
    return Api(tmp_path / "api", free_port(), environment)


def test_a_server_that_hangs_is_said_not_to_answer_until_it_does(
    server: OwnedProcess,
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

    with server, server_watch.watch_servers([server]):
        with frozen(server):
            wait_for(f"{server.name} (process {server.pid}) has not answered since ")
        wait_for(f"{server.name} answers again")
        stalls = "no request is answered" if isinstance(server, Api) else "no job begins"
        assert f"{stalls} until it does (log: {server.log})" in shown
