"""A job passes through few files from its submission to its stored model."""

from pathlib import Path

import pytest

from jobs.broker import app
from jobs.settings import Settings
from tests.stack import directory_store
from tools.trace_job import ROOMS, trace

pytestmark = [pytest.mark.slow, pytest.mark.nightly]


def test_a_job_enters_few_files(
    settings: Settings, broker_url: str, small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.conf, "broker_url", broker_url)
    own = {
        "store_url": directory_store(tmp_path),
        "model_roots": (small_model.parent,),
        "allowed_hosts": ("testserver",),
    }
    found = trace(settings.model_copy(update=own), small_model)
    assert {file.partition("/")[0] for file in found} == {*ROOMS}
    assert (
        found.index("api/routes/jobs.py")
        < found.index("scheduler/new_jobs.py")
        < found.index("worker/run_job.py")
    )
    assert len(found) <= 65
