"""Where the server is, outside of any CI system."""

from pathlib import Path

import pytest

from tests.scripted_server import ScriptedServer


@pytest.fixture(autouse=True)
def outside_of_ci(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


@pytest.fixture
def place(server: ScriptedServer) -> dict[str, str]:
    return {"PRUNESERVE_URL": server.url, "PRUNESERVE_API_KEY": "ps_key"}
