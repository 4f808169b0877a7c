"""A page of the list costs what it shows, however many jobs there are."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session, sessionmaker

from bench.service.seed_jobs import fill, rows_read
from jobs.queries import queries
from jobs.queries.queries import JobFilter, Place, SortColumn
from jobs.spec.gate import GateState
from jobs.spec.job import JobSpec
from jobs.states import JobState
from jobs.tables import Job

PAGE = 50
SINGLE = [
    JobFilter(),
    JobFilter(method="gblm"),
    JobFilter(method="magnitude"),
    JobFilter(model="org/model-7"),
    JobFilter(gate=GateState.FAILED),
    JobFilter(gate=GateState.PASSED),
    *(JobFilter(states=(state,)) for state in JobState),
    JobFilter(states=(JobState.FAILED, JobState.CANCELLED)),
    JobFilter(states=tuple(JobState)),
    JobFilter(labels=(("branch", "main"),)),
    JobFilter(labels=(("branch", "b7"),)),
    JobFilter(labels=(("pipeline", "300"),)),
    JobFilter(labels=(("branch", "main"), ("pipeline", "300"))),
    JobFilter(labels=(("nothing", "here"),)),
    JobFilter(states=(JobState.SUCCEEDED,), method="wanda", labels=(("branch", "main"),)),
]


def test_every_page_reads_less_than_ten_times_its_rows_and_agrees_with_a_plain_query(
    engine: Engine, database: sessionmaker[Session], spec: JobSpec
) -> None:
    with engine.begin() as connection:
        fill(connection, spec, '{"layers": []}', jobs=20_000)
    with database.begin() as session:
        everything = session.scalars(select(Job).where(Job.owner == "ada").order_by(Job.id.desc())).all()
        for wanted in SINGLE:
            matching = [job.id for job in everything if fits(job, wanted)]
            for before in (None, everything[len(everything) // 2].id):
                after = [job_id for job_id in matching if before is None or job_id < before]
                found = queries.newest(session, "ada", wanted, before=before, limit=PAGE)
                assert [job.id for job in found] == after[:PAGE], wanted
                read = rows_read(session.connection(), queries.page("ada", wanted, before, PAGE))
                assert read < 10 * PAGE, wanted


SORTS = [
    *(JobFilter(sort=column, descending=down) for column in SortColumn for down in (False, True)),
    JobFilter(sort=SortColumn.PERPLEXITY, method="gblm"),
    JobFilter(sort=SortColumn.TIME, states=(JobState.FAILED, JobState.CANCELLED), descending=True),
    JobFilter(sort=SortColumn.SPARSITY, models=("org/model-7", "org/model-8")),
    JobFilter(sort=SortColumn.PERPLEXITY, labels=(("branch", "b7"),)),
    JobFilter(sort=SortColumn.MODEL, labels=(("pipeline", "300"),), descending=True),
]
# Ties, jobs without a value, and values that say nothing of the time of submission.
VALUES = """
UPDATE jobs SET
    pruned_perplexity = CASE WHEN state = 'succeeded' THEN 10 + hashtext(id::text) % 100 END,
    measured_sparsity = CASE WHEN state = 'succeeded' THEN 0.4 + (hashtext(id::text || 's') % 50) / 500.0 END,
    worker_seconds = CASE WHEN state <> 'queued' THEN abs(hashtext(id::text || 't') % 10000) END
"""


def test_every_sorted_page_reads_less_than_ten_times_its_rows_and_agrees_with_python(
    engine: Engine, database: sessionmaker[Session], spec: JobSpec
) -> None:
    with engine.begin() as connection:
        fill(connection, spec, '{"layers": []}', jobs=20_000)
        connection.execute(text(VALUES))
        connection.execute(text("ANALYZE"))
    with database.begin() as session:
        everything = session.scalars(select(Job).where(Job.owner == "ada")).all()
        for wanted in SORTS:
            expected = in_python([job for job in everything if fits(job, wanted)], wanted)
            assert len(expected) >= 3, wanted
            starts = {0, len(expected) // 2, sum(value(job, wanted) is not None for job in expected) - 3}
            for start in starts & {*range(len(expected))}:
                before = expected[start - 1].id if start else None
                found = queries.newest(session, "ada", wanted, before=before, limit=PAGE)
                assert [job.id for job in found] == [job.id for job in expected[start : start + PAGE]], wanted
                if wanted not in SORTS[: 2 * len(SortColumn)]:
                    continue
                place = Place(before, value(expected[start - 1], wanted)) if before else None
                page = queries.sorted_page("ada", wanted, place, PAGE)
                assert rows_read(session.connection(), page) < 10 * PAGE, wanted


def test_a_page_after_a_job_that_is_gone_is_the_first_one(
    database: sessionmaker[Session], submit: Callable[[], UUID]
) -> None:
    made = [submit() for _ in range(3)]
    wanted = JobFilter(sort=SortColumn.SPARSITY)
    with database.begin() as session:
        found = queries.newest(session, "ada", wanted, before=uuid4(), limit=PAGE)
        assert [job.id for job in found] == made


def value(job: Job, wanted: JobFilter) -> str | float | None:
    match wanted.sort:
        case SortColumn.MODEL:
            return job.model
        case SortColumn.SPARSITY:
            return job.sparsity if job.measured_sparsity is None else job.measured_sparsity
        case SortColumn.PERPLEXITY:
            return job.pruned_perplexity
        case _:
            return job.worker_seconds


def in_python(found: list[Job], wanted: JobFilter) -> list[Job]:
    """Sort jobs by value and then by age; those without a value are last in both directions."""

    def key(job: Job) -> tuple[Any, UUID]:
        return value(job, wanted), job.id

    valued = [job for job in found if value(job, wanted) is not None]
    rest = sorted((job for job in found if value(job, wanted) is None), key=lambda job: job.id)
    return sorted(valued, key=key, reverse=wanted.descending) + (rest[::-1] if wanted.descending else rest)


def fits(job: Job, wanted: JobFilter) -> bool:
    return (
        (not wanted.states or job.state in wanted.states)
        and wanted.method in (None, job.method)
        and wanted.model in (None, job.model)
        and (wanted.models is None or job.model in wanted.models)
        and wanted.gate in (None, job.gate_state)
        and set(wanted.labels) <= job.labels.items()
    )
