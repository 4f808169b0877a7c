"""Celery imports nothing from the working directory."""

from pathlib import Path

import pytest

from worker.broker.loader import Loader


@pytest.mark.threat
@pytest.mark.usefixtures("environment")
def test_a_module_of_the_working_directory_is_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from worker.broker.app import app

    (tmp_path / "only_in_the_working_directory.py").touch()
    monkeypatch.chdir(tmp_path)
    assert isinstance(app.loader, Loader)
    with pytest.raises(ModuleNotFoundError):
        app.loader.import_task_module("only_in_the_working_directory")
    assert app.loader.import_task_module("worker.tasks").__name__ == "worker.tasks"
