"""A model to spoil, and a fork server."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pruning.sandbox import sandbox as sandbox_module
from pruning.sandbox.fork_server import ForkServer

PASSWORD = "hunter2"


@pytest.fixture
def model_dir(tiny_llama_dir: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_llama_dir, tmp_path / "model")


@pytest.fixture
def own_fork_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ForkServer]:
    """A new process that starts helpers, from an environment with a secret."""
    monkeypatch.setenv("DATABASE_URL", f"postgresql://user:{PASSWORD}@host/name")
    started = ForkServer()
    monkeypatch.setattr(sandbox_module, "fork_server", lambda: started)
    yield started
    started.stop()
