"""The stored specification of a job is the one that was submitted."""

from sqlalchemy.orm import Session, sessionmaker

from jobs.lifecycle import owner_moves
from jobs.spec.job import JobSpec
from jobs.tables import Job


def test_a_stored_document_is_read_as_the_specification_that_was_submitted(
    database: sessionmaker[Session], spec: JobSpec
) -> None:
    with database.begin() as session:
        job_id = owner_moves.create(session, "ada", spec).id
    with database.begin() as session:
        stored = session.get_one(Job, job_id).spec
    assert JobSpec.model_validate(stored) == spec
