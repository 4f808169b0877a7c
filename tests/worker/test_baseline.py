"""A worker whose job is compared with a baseline: one decision rules, and an unreadable report is named."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.spec.job import JobSpec
from jobs.states import JobState
from jobs.tables import Job
from tests.jobs.lifecycle.test_baselines import FIRST, MAIN, OVER_MAIN, judged, report
from tests.worker import one_job
from tests.worker.one_job import Service
from worker import run_job
from worker.attempt.attempt import Attempt
from worker.attempt.transfers import upload_artifacts


def submit(service: Service) -> UUID:
    recipe = {"model": "org/name", "method": "gblm", "sparsity": 0.5}
    spec = JobSpec.model_validate({"recipe": recipe, "gate": OVER_MAIN, "stop_when_missed": True})
    with service.database.begin() as session:
        return one_job.owner_moves.create(session, "ada", spec, MAIN).id


@pytest.mark.parametrize("shift", [0.1, 0.2])  # as good as the first one, and worse
def test_files_and_verdict_agree_when_the_label_moves_in_between(
    service: Service, monkeypatch: pytest.MonkeyPatch, shift: float
) -> None:
    first = judged(service.database, FIRST, report(0.1), **MAIN)
    moved: list[Job] = []

    def upload_late(
        attempt: Attempt, output: Path, found: dict[str, Any] | None, **how: bool
    ) -> list[FinishedArtifact]:
        artifacts = upload_artifacts(attempt, output, found, **how)
        moved.append(judged(service.database, FIRST, report(0.0 if shift == 0.1 else 0.3), **MAIN))
        return artifacts

    class MeasuredReport(one_job.StandInReport):
        def model_dump(self, **_: object) -> dict[str, Any]:
            return report(shift)

    monkeypatch.setattr(one_job, "StandInReport", MeasuredReport)
    monkeypatch.setattr(run_job, "_baseline", lambda _: None)  # stand-in reports lack most of their fields
    monkeypatch.setattr(run_job, "upload_artifacts", upload_late)
    job = service.run(submit(service))
    assert [other.gate_state for other in moved] == ["passed"]
    kept = "model.safetensors" in service.artifacts(job.id)
    assert (job.gate_state, kept) == (("passed", True) if shift == 0.1 else ("failed", False))
    assert (job.gate or {})["baseline"] == str(first.id)


def test_a_baseline_of_another_version_is_named_with_what_to_do(service: Service) -> None:
    made_by = {"environment": {"pruneserve": "0.0.7"}}
    first = judged(service.database, FIRST, report(0.1, **made_by), **MAIN)
    job = service.run(submit(service))
    assert (job.state, (job.error or {})["field"]) == (JobState.FAILED, "gate.baseline")
    message = (job.error or {})["message"]
    assert f"the baseline is job {first.id}, whose report PruneServe 0.0.7 has written" in message
    assert "submit that job again and name the new one, or another" in message
