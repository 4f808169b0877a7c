"""A search whose upload is deleted, and what counts against which quota."""

import pytest

from jobs.database import Database
from jobs.lifecycle import lifecycle
from jobs.spec.job import JobSpec
from jobs.states import JobState, SweepState
from jobs.storage import uploads
from jobs.storage.owned_files import QuotaExceeded
from jobs.storage.store import StoredFile
from jobs.sweeps import sweeps
from jobs.sweeps.target import Target
from jobs.tables import Sweep
from tests.claims import claimed

RECIPE = {"model": "org/name", "method": "wanda", "sparsity": 0.5}
REPORT = {"perplexity": {"dense": 10.0, "pruned": 10.1}, "sparsity": {"overall": 0.5}}


def test_a_search_whose_text_was_deleted_between_two_jobs_ends(database: Database) -> None:
    with database.begin() as session:
        stored = StoredFile("uploads/1", 1, "ab" * 32)
        uploads.announce(session, "ada", stored.key, size=10, quota=100)
        upload, _ = uploads.add(session, "ada", "x", "txt", stored, 100)
        recipe = RECIPE | {"calibration": {"dataset": f"upload:{upload.id}"}}
        target = Target.model_validate({"max_perplexity_increase": 0.05})
        base = JobSpec.model_validate({"recipe": recipe})
        request = {"target": target.model_dump(mode="json")}
        sweep = sweeps.start_search(session, "ada", request, base, target, {})
        (job,) = sweeps.jobs_of(session, sweep)
    with database.begin() as session:
        claim = claimed(session, job.id, "w")
        assert lifecycle.succeed(session, claim, REPORT, [])
    with database.begin() as session:
        assert uploads.remove(session, "ada", upload.id) is not None
    with database.begin() as session:
        assert sweeps.advance(session) == 1
        ended = session.get_one(Sweep, sweep.id)
        assert ended.state == SweepState.FAILED
        assert f"calibration.dataset 'sha256:{stored.sha256}.txt' must be one of your uploads" in str(
            ended.error
        )
        assert [job.state for job in sweeps.jobs_of(session, ended)] == [JobState.SUCCEEDED]


def test_files_that_are_being_sent_take_room_from_each_other(database: Database) -> None:
    with database.begin() as session:
        for ending, asked, room in (("safetensors", 700, 700), ("txt", 60, 60), ("safetensors", 700, 240)):
            key = uploads.new_key(ending)
            assert uploads.announce(session, "ada", key, size=asked, quota=1000) == room
        with pytest.raises(QuotaExceeded):
            uploads.announce(session, "ada", uploads.new_key("jsonl"), size=60, quota=1000)
