"""A job passes through few files from its submission to its stored model."""

from pathlib import Path

import pytest

from jobs.broker import app
from jobs.settings import Settings
from tests.worker.conftest import environment, store_url
from tools.trace_job import PACKAGES, trace

# Celery reads its configuration once in a process, from the environment: possibly in this test.
__all__ = ["environment", "store_url"]

pytestmark = [pytest.mark.slow, pytest.mark.nightly]


def test_a_job_enters_few_files(
    environment: Settings, small_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.conf, "broker_url", environment.broker_url.get_secret_value())
    own = {"model_roots": (small_model.parent,), "allowed_hosts": ("testserver",)}
    found = trace(environment.model_copy(update=own), small_model)
    assert {file.partition("/")[0] for file in found} == {*PACKAGES}
    assert (
        found.index("api/routes/jobs.py")
        < found.index("scheduler/new_jobs.py")
        < found.index("worker/run_job.py")
    )
    assert len(found) <= 65
