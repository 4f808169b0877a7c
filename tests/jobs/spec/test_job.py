"""A stored specification says which version it has, and only known versions are read."""

from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy.orm import Session, sessionmaker

from jobs.lifecycle import owner_moves
from jobs.spec.job import JobSpec
from jobs.tables import Job

DOCUMENT = {"recipe": {"model": "org/name", "method": "gblm", "sparsity": 0.5}}


def test_the_stored_document_has_its_version(database: sessionmaker[Session], spec: JobSpec) -> None:
    with database.begin() as session:
        job_id = owner_moves.create(session, "ada", spec).id
    with database.begin() as session:
        stored = session.get_one(Job, job_id).spec
    assert stored["version"] == 1
    assert JobSpec.model_validate(stored) == spec


def test_a_job_that_uses_nothing_new_is_stored_as_a_worker_of_the_first_release_reads_it(
    database: sessionmaker[Session],
) -> None:
    gated = JobSpec.model_validate(DOCUMENT | {"gate": {"max_perplexity": 9.0}})
    with database.begin() as session:
        job_id = owner_moves.create(session, "ada", gated).id
    with database.begin() as session:
        stored = session.get_one(Job, job_id).spec
    # Its models refuse fields that they do not know. These are the fields that they have.
    options = {"evaluation", "save_masks", "gate", "stop_when_missed", "name", "timeout_seconds"}
    assert stored.keys() == options | {"version", "recipe"}
    of_recipe = {"model", "method", "pattern", "sparsity", "allocation", "layers", "refit", "order", "dtype"}
    assert stored["recipe"].keys() == of_recipe | {"gradients", "calibration"}
    of_text = {"dataset", "sequence_length", "stride", "windows", "tasks", "task_limit", "further_datasets"}
    assert stored["evaluation"].keys() == of_text
    assert stored["gate"].keys() == {"max_perplexity", "max_perplexity_increase", "max_kl", "min_zero_shot"}
    assert JobSpec.model_validate(stored) == gated


def test_a_document_without_a_version_is_of_the_first() -> None:
    assert JobSpec.model_validate(DOCUMENT).version == 1


def test_a_job_that_searches_its_allocation_is_left_to_workers_that_can() -> None:
    searching = DOCUMENT | {"recipe": DOCUMENT["recipe"] | {"allocation": "search"}}
    assert JobSpec.model_validate(searching | {"version": 1}).version == 3
    assert JobSpec.model_validate(DOCUMENT | {"version": 3}).version == 1


@pytest.mark.parametrize("version", [4, 0, "1", None])
def test_a_document_of_an_unknown_version_is_refused_by_its_version_alone(version: object) -> None:
    newer: dict[str, Any] = {**DOCUMENT, "version": version, "field_of_a_later_release": 1}
    with pytest.raises(ValidationError, match="reads versions up to 3") as refused:
        JobSpec.model_validate(newer)
    assert [(error["type"], error["loc"]) for error in refused.value.errors()] == [("spec_version", ())]


def test_the_version_is_no_part_of_the_recipe_or_the_request(spec: JobSpec) -> None:
    assert "version" not in spec.recipe.model_dump()
    assert "version" not in spec.as_request()
