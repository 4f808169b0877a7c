"""The commands, against a scripted server."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from tests.scripted_server import ScriptedServer


@pytest.fixture
def pruneserve(
    server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    Path("ours.txt").write_text("our own text")
    place = {"PRUNESERVE_URL": server.url, "PRUNESERVE_API_KEY": "ps_key"}
    return lambda *arguments: CliRunner().invoke(app, arguments, env=place)
