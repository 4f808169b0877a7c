"""A deleted job leaves no row and no file; what is open, in the zoo or in a running sweep stays."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, insert, select, text, update

from jobs import retention
from jobs.database import Database
from jobs.lifecycle import lifecycle, owner_moves
from jobs.lifecycle.events import JobError
from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.lifecycle.owner_moves import Conflict
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.states import JobState
from jobs.storage.store import Store, attempt_prefix
from jobs.tables import (
    Artifact,
    Base,
    CachedGradients,
    CachedPerplexity,
    DeletedJob,
    GradientShard,
    Job,
    JobLabel,
    Sweep,
    ZooEntry,
)
from scheduler.retention import Retention
from tests.claims import take
from tests.conftest import Submit

REPORT = {"perplexity": {"dense": 10.0, "pruned": 12.5}, "sparsity": {"overall": 0.5}}
LONG_AGO = text("clock_timestamp() - interval '100 days'")


def succeeded(database: Database, store: Store, job_id: UUID, path: Path, *, size: int = 5) -> UUID:
    """Let a job succeed, with a model, a norm and final states in the store."""
    claim = take(database, job_id)
    path.write_bytes(b"x" * size)
    key = {
        name: store.put_file(f"{attempt_prefix(job_id, 1)}/{name}", path).key
        for name in ("model", "norm", "states")
    }
    shard = {"key": key["norm"], "size": size, "sha256": "ab"}
    name = str(job_id)
    with database.begin() as session:
        session.add(CachedGradients(fingerprint=name, job_id=job_id, ready_at=func.now(), used_at=func.now()))
        session.flush()
        session.add(GradientShard(fingerprint=name, block=0, **shard))
        states = {"key": key["states"], "size": size, "sha256": "ab"}
        session.add(CachedPerplexity(fingerprint=name, losses=[1.0], job_id=job_id, **states))
        assert lifecycle.succeed(
            session, claim, REPORT, [FinishedArtifact("model", key["model"], size, "ab")]
        )
    return job_id


def failed(database: Database, job_id: UUID) -> UUID:
    claim = take(database, job_id)
    with database.begin() as session:
        assert lifecycle.fail(session, claim, JobError(type="internal", message="no"))
    return job_id


def submitted_long_ago(database: Database, submit: Submit) -> UUID:
    """A queued job with an id of a hundred days ago: ids say when a job was submitted."""
    with database.begin() as session:
        copied = [column for column in Job.__table__.columns if column.name not in ("id", "queue_group")]
        old = text("uuidv7(interval '-100 days')")
        row = select(old, *copied).where(Job.id == submit())
        into = insert(Job).from_select(["id", *(column.name for column in copied)], row)
        return session.scalars(into.returning(Job.id)).one()


def delete(database: Database, job_id: UUID, owner: str = "ada") -> bool:
    with database.begin() as session:
        return owner_moves.delete(session, owner, job_id)


def naming(database: Database, job_id: UUID) -> set[str]:
    """The tables in which a row names the job, found by the types of their columns alone."""
    with database.begin() as session:
        return {
            table.name
            for table in Base.metadata.sorted_tables
            for column in table.columns
            if column.name in ("job_id", "blocked_on") or (table.name, column.name) == ("jobs", "id")
            if session.scalar(select(func.count()).where(column == job_id))
        }


def keys(store: Store) -> set[str]:
    return {found.key for found in store.list("jobs")}


def test_rows_and_files_of_a_deleted_job_go_and_those_of_others_stay(
    database: Database, settings: Settings, submit: Submit, tmp_path: Path
) -> None:
    store = Store(settings.store_url)
    gone = succeeded(database, store, submit(), tmp_path / "file")
    kept = succeeded(database, store, submit(), tmp_path / "file")
    assert naming(database, gone) == naming(database, kept) >= {"jobs", "artifacts", "gradient_cache"}
    assert not delete(database, gone, owner="bob")
    assert delete(database, gone)
    assert naming(database, gone) == {"deleted_jobs"}
    assert not delete(database, gone)

    rounds = Retention(database, settings, store)
    rounds.round()
    assert {key.split("/")[1] for key in keys(store)} == {str(kept)}
    assert len(keys(store)) == 3
    late = store.put_file(f"{attempt_prefix(gone, 1)}/late", tmp_path / "file").key
    rounds.round()
    assert late in keys(store), "it is looked for once more, later"
    with database.begin() as session:
        session.execute(update(DeletedJob).values(delete_at=LONG_AGO))
    rounds.round()
    assert late not in keys(store)
    assert naming(database, gone) == set()


def test_the_second_deletion_of_files_is_not_lost_between_two_schedulers(
    database: Database, settings: Settings, submit: Submit
) -> None:
    """The first one takes so long that the second is given the same job, and ends before it."""
    delete(database, failed(database, submit()))
    with database.begin() as session:
        (slow,) = retention.take_deleted_jobs(session, 50, 600)
    with database.begin() as session:
        assert retention.take_deleted_jobs(session, 50, 600) == [], "one at a time"
        session.execute(update(DeletedJob).values(delete_at=LONG_AGO))
    with database.begin() as session:
        (quick,) = retention.take_deleted_jobs(session, 50, 600)
    for look in (quick, slow):
        with database.begin() as session:
            retention.record_files_deleted(session, look, 3600)
    with database.begin() as session:
        (left,) = session.scalars(select(DeletedJob))
        assert left.is_last
        assert left.delete_at > session.scalars(select(func.now() + timedelta(minutes=30))).one()


def test_user_deletions_do_not_wait_for_a_long_line_of_deletions_by_retention(
    database: Database, submit: Submit
) -> None:
    old = [failed(database, submitted_long_ago(database, submit)) for _ in range(3)]
    asked_for = failed(database, submit())
    with database.begin() as session:
        session.execute(update(Job).where(Job.id.in_(old)).values(ended_at=LONG_AGO))
        assert [retention.delete_expired_jobs(session, 30, 2) for _ in range(2)] == [2, 0]
    delete(database, asked_for)
    looks = []
    for _ in range(2):
        with database.begin() as session:
            looks.append({look.job_id for look in retention.take_deleted_jobs(session, 2, 600)})
    assert looks == [{*old[:2]}, {asked_for}]
    with database.begin() as session:
        assert retention.delete_expired_jobs(session, 30, 2) == 1


def test_a_job_that_has_not_ended_is_not_deleted(database: Database, submit: Submit) -> None:
    queued, running = submit(), submit()
    take(database, running)
    for job_id, state in ((queued, JobState.QUEUED), (running, JobState.RUNNING)):
        with pytest.raises(Conflict) as conflict:
            delete(database, job_id)
        assert conflict.value.state == state
    assert not delete(database, uuid4())


def test_a_job_in_the_zoo_or_in_a_running_sweep_is_not_deleted(database: Database, submit: Submit) -> None:
    shown, swept = failed(database, submit()), failed(database, submit())
    with database.begin() as session:
        session.add(ZooEntry(slug="small-one", job_id=shown, note="", promoted_by="ada"))
        sweep = Sweep(owner="ada", request={})
        session.add(sweep)
        session.flush()
        session.execute(update(Job).where(Job.id == swept).values(sweep_id=sweep.id))
    with pytest.raises(owner_moves.JobInUse, match="small-one"):
        delete(database, shown)
    with pytest.raises(owner_moves.JobInUse) as used:
        delete(database, swept)
    message = "The job belongs to a sweep that is running. Cancel the sweep, or wait for its end."
    assert str(used.value) == message
    with database.begin() as session:
        session.execute(update(Sweep).values(state="succeeded"))
    assert delete(database, swept)


@pytest.mark.parametrize("label", [True, False])
def test_a_job_that_an_open_one_compares_with_is_not_deleted(
    database: Database, settings: Settings, submit: Submit, tmp_path: Path, label: bool
) -> None:
    """By a label that is the last one that has passed; an earlier one of that label may go."""
    earlier, last = (
        succeeded(
            database, Store(settings.store_url), submitted_long_ago(database, submit), tmp_path / "file"
        )
        for _ in range(2)
    )
    recipe = {"model": "org/name", "method": "gblm", "sparsity": 0.5}
    gate = {"baseline": "track=main" if label else str(last), "max_perplexity_increase": 0.1}
    with database.begin() as session:
        session.execute(update(Job).values(ended_at=LONG_AGO, gate={"state": "passed"}))
        for job_id in (earlier, last):
            session.add(JobLabel(job_id=job_id, owner="ada", name="track", value="main"))
        session.flush()
        spec = JobSpec.model_validate({"recipe": recipe, "gate": gate})
        user = owner_moves.create(session, "ada", spec).id
        retention.delete_expired_jobs(session, 30, 10)
        assert {*session.scalars(select(Job.id))} >= {last, user}
        assert session.get(Job, earlier) is None
    with pytest.raises(owner_moves.JobInUse, match=f"Job {user} compares with it"):
        delete(database, last)
    with database.begin() as session:
        assert owner_moves.cancel(session, "ada", user)
    assert delete(database, last)


def test_gradient_norms_that_an_open_job_names_are_not_deleted(database: Database, submit: Submit) -> None:
    """It names their content. Of other jobs no file can be named so."""
    norms, other_norms, pruned = submit(), submit(), submit()
    with database.begin() as session:
        session.execute(update(Job).values(state="succeeded", ended_at=LONG_AGO))
        session.execute(update(Job).where(Job.id.in_([norms, other_norms])).values(method="norms"))
        for job_id, digit in ((norms, "a"), (other_norms, "b"), (pruned, "c")):
            file = {"name": "norms.safetensors", "key": str(job_id), "size": 5}
            session.add(Artifact(job_id=job_id, sha256=digit * 64, **file))
    users = {digit: submit() for digit in "ac"}
    with database.begin() as session:
        for digit, user in users.items():
            spec = {"recipe": {"gradients": f"sha256:{digit * 64}.safetensors"}}
            session.execute(update(Job).where(Job.id == user).values(spec=spec))
    with pytest.raises(owner_moves.JobInUse) as used:
        delete(database, norms)
    use = f"job {users['a']} uses it"
    assert str(used.value) == f"Its gradient norms are used: {use}. Cancel that, or wait for its end."
    assert delete(database, other_norms), "which nobody names"
    assert delete(database, pruned), "its file holds no norms"
    with database.begin() as session:
        assert owner_moves.cancel(session, "ada", users["a"])
    assert delete(database, norms)


def test_sweeps_go_after_the_last_of_their_jobs(
    database: Database, settings: Settings, submit: Submit
) -> None:
    ended = {"state": "succeeded", "ended_at": LONG_AGO}
    with database.begin() as session:
        made = [Sweep(owner="ada", request={"place": place}, **ended) for place in range(3)]
        session.add_all([*made, Sweep(owner="ada", request={"place": 3})])
        session.flush()
        for sweep, job_id in ((made[0], submit()), (made[1], submitted_long_ago(database, submit))):
            session.execute(update(Job).where(Job.id == job_id).values(sweep_id=sweep.id))
        session.execute(update(Job).values(state="failed", ended_at=LONG_AGO))
        session.execute(update(Job).where(Job.sweep_id == made[0].id).values(ended_at=func.now()))
    Retention(
        database, settings.model_copy(update={"job_retention_days": 30.0}), Store(settings.store_url)
    ).round()
    with database.begin() as session:
        left = session.scalars(select(Sweep).order_by(Sweep.id))
        assert [sweep.request["place"] for sweep in left] == [0, 3]


def test_only_jobs_that_ended_long_ago_are_deleted(
    database: Database, settings: Settings, submit: Submit
) -> None:
    names = ("ended", "ended of late", "queued", "in the zoo")
    made = {name: submitted_long_ago(database, submit) for name in names}
    for name in ("ended", "ended of late", "in the zoo"):
        failed(database, made[name])
    with database.begin() as session:
        ended = Job.id.in_([made["ended"], made["in the zoo"]])
        session.execute(update(Job).where(ended).values(ended_at=LONG_AGO))
        session.add(ZooEntry(slug="kept", job_id=made["in the zoo"], note="", promoted_by="ada"))

    def left() -> set[str]:
        with database.begin() as session:
            return {name for name, job_id in made.items() if session.get(Job, job_id) is not None}

    store = Store(settings.store_url)
    Retention(database, settings, store).round()
    assert left() == made.keys(), "by default jobs are kept"
    Retention(database, settings.model_copy(update={"job_retention_days": 30.0}), store).round()
    assert left() == made.keys() - {"ended"}
