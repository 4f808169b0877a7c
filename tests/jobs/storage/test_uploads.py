"""A search whose upload is deleted, and what counts against which quota."""

from sqlalchemy.orm import Session, sessionmaker

from jobs.lifecycle import lifecycle
from jobs.spec.job import JobSpec
from jobs.states import JobState, SweepState
from jobs.storage import uploads
from jobs.storage.store import StoredFile
from jobs.sweeps import sweeps
from jobs.sweeps.target import Target
from jobs.tables import Sweep

RECIPE = {"model": "org/name", "method": "wanda", "sparsity": 0.5}
REPORT = {"perplexity": {"dense": 10.0, "pruned": 10.1}, "sparsity": {"overall": 0.5}}


def test_a_search_whose_text_was_deleted_between_two_jobs_ends(database: sessionmaker[Session]) -> None:
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
        claim = lifecycle.claim(session, job.id, "w", 30)
        assert claim is not None
        assert lifecycle.succeed(session, claim, REPORT, [])
    with database.begin() as session:
        assert uploads.remove(session, "ada", upload.id) is not None
    with database.begin() as session:
        assert sweeps.advance(session) == 1
        ended = session.get_one(Sweep, sweep.id)
        assert ended.state == SweepState.FAILED
        assert "was deleted" in str(ended.error)
        assert [job.state for job in sweeps.jobs_of(session, ended)] == [JobState.SUCCEEDED]


def test_norms_that_are_being_sent_take_no_room_from_texts(database: sessionmaker[Session]) -> None:
    sent = [("safetensors", 1000, 700), ("txt", 100, 60), ("safetensors", 1000, 300), ("jsonl", 100, 40)]
    with database.begin() as session:
        for ending, quota, room in sent:
            key = uploads.new_key(ending)
            asked = 700 if ending == "safetensors" else 60
            assert uploads.announce(session, "ada", key, size=asked, quota=quota, ending=ending) == room
