"""The next job of a search is taken on the terms of the one before."""

from uuid import UUID

import pytest
from sqlalchemy import select, text, true, update
from sqlalchemy.orm import Session, sessionmaker

from jobs.lifecycle import lifecycle
from jobs.spec import job as spec_module
from jobs.spec.job import JobSpec
from jobs.sweeps import sweeps
from jobs.sweeps.target import Target
from jobs.tables import Job, Sweep

RECIPE = {"model": "org/name", "method": "wanda", "sparsity": 0.5}
REPORT = {"perplexity": {"dense": 10.0, "pruned": 10.1}, "sparsity": {"overall": 0.5}}


@pytest.mark.parametrize("served_compressed", [True, False])
def test_files_are_kept_compressed_only_if_the_api_that_took_the_search_serves_them(
    database: sessionmaker[Session], served_compressed: bool
) -> None:
    target = Target.model_validate({"max_perplexity_increase": 0.05})
    base = JobSpec.model_validate({"recipe": RECIPE})
    with database.begin() as session:
        request = {"target": target.model_dump(mode="json")}
        sweep = sweeps.start_search(session, "ada", request, base, target, {})
        (first,) = sweeps.jobs_of(session, sweep)
        # The API of the release before does not write the column.
        session.execute(update(Job).values(compress=true() if served_compressed else text("DEFAULT")))
    with database.begin() as session:
        claim = lifecycle.claim(session, first.id, "w", 30)
        assert claim is not None
        assert lifecycle.succeed(session, claim, REPORT, [])
    with database.begin() as session:
        assert sweeps.advance(session) == 1
        _, following = sweeps.jobs_of(session, session.get_one(Sweep, sweep.id))
        assert following.compress is served_compressed


def test_a_search_over_jobs_that_a_newer_release_has_stored_is_left_to_its_dispatchers(
    database: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = Target.model_validate({"max_perplexity": 20.0})
    searches: list[UUID] = []
    with database.begin() as session:
        for recipe in (RECIPE | {"allocation": "search"}, RECIPE):
            base = JobSpec.model_validate({"recipe": recipe})
            request = {"target": target.model_dump(mode="json")}
            searches.append(sweeps.start_search(session, "ada", request, base, target, {}).id)
        jobs = session.scalars(select(Job.id)).all()
    with database.begin() as session:
        for job_id in jobs:
            claim = lifecycle.claim(session, job_id, "w", 30)
            assert claim is not None
            assert lifecycle.succeed(session, claim, REPORT, [])

    def jobs_of_each() -> list[int]:
        with database.begin() as session:
            sweeps.advance(session)
            return [len(sweeps.jobs_of(session, session.get_one(Sweep, each))) for each in searches]

    with monkeypatch.context() as older:
        older.setattr(spec_module, "SPEC_VERSION", 2)
        assert jobs_of_each() == [1, 2]
    assert jobs_of_each() == [2, 2]
