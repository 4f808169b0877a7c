"""A page of the list costs what it shows, however many jobs there are."""

import pytest
from sqlalchemy import Engine, select

from bench.seed_jobs import fill
from jobs import queries
from jobs.database import Database
from jobs.lifecycle import baselines
from jobs.queries import JobFilter
from jobs.spec.gate import Gate, GateState
from jobs.spec.job import JobSpec
from jobs.states import JobState
from jobs.storage import owned_files
from jobs.tables import Job
from tests.plans import explaining, rows_read

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


def test_every_page_agrees_with_a_plain_query_and_reads_few_rows(
    engine: Engine, database: Database, spec: JobSpec
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


def test_a_page_by_many_states_models_and_labels_agrees_with_a_plain_query(
    engine: Engine, database: Database, spec: JobSpec
) -> None:
    with engine.begin() as connection:
        fill(connection, spec, '{"layers": []}', jobs=2_000)
    models = tuple(f"org/model-{number}" for number in range(5))
    wanted = JobFilter(
        states=(JobState.SUCCEEDED, JobState.FAILED), models=models, labels=(("branch", "main"),)
    )
    with database.begin() as session:
        everything = session.scalars(select(Job).where(Job.owner == "ada").order_by(Job.id.desc())).all()
        matching = [job.id for job in everything if fits(job, wanted)]
        found = queries.newest(session, "ada", wanted, before=None, limit=PAGE)
        assert [job.id for job in found] == matching[:PAGE] != []


@pytest.mark.threat
def test_each_label_is_joined_once_for_all_states_and_models() -> None:
    """One join for each combination makes a query of 200 kB, which takes a second to write and to plan."""
    models = tuple(f"org/model-{number}" for number in range(20))
    labels = tuple((f"name-{number}", "value") for number in range(4))
    wanted = JobFilter(states=tuple(JobState), models=models, labels=labels)
    assert str(queries.page("ada", wanted, None, PAGE)).count("JOIN") <= 1
    assert len(str(queries.page("ada", wanted, None, PAGE))) < 5_000


def test_what_uses_a_file_is_found_among_the_open_jobs(
    engine: Engine, database: Database, spec: JobSpec
) -> None:
    with engine.begin() as connection:
        fill(connection, spec, '{"layers": []}', jobs=20_000)
    with explaining(engine) as asked, database.begin() as session:
        owned_files.refuse_in_use(session, "ada", "sha256:none")
    assert sum(each.read for each in asked) < 10 * PAGE


def test_the_baseline_of_a_label_is_found_among_its_last_jobs(
    engine: Engine, database: Database, spec: JobSpec
) -> None:
    with engine.begin() as connection:
        fill(connection, spec, '{"layers": []}', jobs=20_000)
    gate = Gate(baseline="branch=main", max_perplexity_increase=0.01)
    with explaining(engine) as asked, database.begin() as session:
        assert baselines.resolve(session, "ada", gate) is not None
    assert sum(each.read for each in asked) < 10 * PAGE


def fits(job: Job, wanted: JobFilter) -> bool:
    return (
        (not wanted.states or job.state in wanted.states)
        and wanted.method in (None, job.method)
        and wanted.model in (None, job.model)
        and (wanted.models is None or job.model in wanted.models)
        and wanted.gate in (None, job.gate_state)
        and set(wanted.labels) <= job.labels.items()
    )
