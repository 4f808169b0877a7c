"""What requests and answers look like. The recipe's own types check every field of a request."""

import base64
import binascii
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from jobs.lifecycle.events import Event, JobError
from jobs.spec.gate import Verdict
from jobs.spec.job import JobOptions, JobSpec
from jobs.spec.labels import Labels
from jobs.states import JobState
from jobs.tables import Artifact, Job, JobAttempt
from pruning.recipe import Recipe, Stage


def _shorthand_and_examples(schema: dict[str, Any]) -> None:
    schema["properties"]["model"] = {"anyOf": [{"type": "string"}, schema["properties"]["model"]]}
    schema["examples"] = [
        {"model": "HuggingFaceTB/SmolLM2-135M", "method": "gblm", "sparsity": 0.5},
        {
            "model": {"id": "HuggingFaceTB/SmolLM2-135M", "revision": "main"},
            "method": {"name": "gblm", "norm": "l2", "alpha": 100.0},
            "pattern": "2:4",
            "calibration": {"dataset": "c4", "samples": 128, "sequence_length": 2048, "seed": 0},
            "dtype": "bfloat16",
            "evaluation": {"dataset": "wikitext2"},
            "save_masks": True,
            "gate": {"max_perplexity_increase": 0.05},
            "labels": {"team": "search", "commit": "5f3e9a1"},
        },
    ]


class JobRequest(JobOptions, Recipe):
    """What to prune and how. Model, method and sparsity are enough; the rest has the reference's defaults."""

    model_config = ConfigDict(json_schema_extra=_shorthand_and_examples)

    labels: Labels = Field({}, description="Of the client's own, to find its jobs by.")

    def spec(self) -> JobSpec:
        """The job that is asked for."""
        recipe = Recipe(**{name: getattr(self, name) for name in Recipe.model_fields})
        return JobSpec(recipe=recipe, **{name: getattr(self, name) for name in JobOptions.model_fields})


class Progress(BaseModel):
    """Where a job is, or where it stopped."""

    stage: Stage
    step: int | None = Field(description="Finished steps of the stage.")
    steps: int | None = Field(description="Steps of the stage: blocks, or groups of windows.")
    seconds_left: float | None = Field(description="An estimate for the whole job.")


class Perplexity(BaseModel):
    """The model's perplexity before and after; null where it is not finite."""

    dense: float | None
    pruned: float | None


class JobSummary(BaseModel):
    """A job as it appears in a list."""

    id: UUID
    state: JobState
    model: str
    method: str
    pattern: str
    sparsity: float
    attempt: int = Field(description="How often a worker has taken the job; 0 before the first.")
    progress: Progress | None
    perplexity: Perplexity | None
    gate: Verdict | None = Field(description="Once a job that was given a gate has succeeded.")
    error: JobError | None
    labels: dict[str, str]
    created_at: datetime
    queued_at: datetime
    running_at: datetime | None
    cancelling_at: datetime | None
    succeeded_at: datetime | None
    failed_at: datetime | None
    cancelled_at: datetime | None
    artifacts_expired_at: datetime | None = Field(description="When the job's files were deleted.")

    @classmethod
    def of(cls, job: Job, **more: Any) -> Self:  # noqa: ANN401 - the fields that a subclass adds
        """The job of a row."""
        plain = {name: getattr(job, name) for name in _PLAIN_FIELDS}
        return cls(
            **plain,
            progress=None
            if job.stage is None
            else Progress(
                stage=Stage(job.stage), step=job.step, steps=job.steps, seconds_left=job.seconds_left
            ),
            perplexity=None
            if job.state != JobState.SUCCEEDED
            else Perplexity(dense=job.dense_perplexity, pruned=job.pruned_perplexity),
            gate=None if job.gate is None else Verdict.model_validate(job.gate),
            error=None if job.error is None else JobError.model_validate(job.error),
            **more,
        )


_PLAIN_FIELDS = JobSummary.model_fields.keys() - {"progress", "perplexity", "gate", "error"}


class Attempt(BaseModel):
    """One worker's hold on the job."""

    model_config = ConfigDict(from_attributes=True)

    attempt: int
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None = Field(examples=["succeeded", "lost", "handed_back"])
    reason: str | None


class JobDetail(JobSummary):
    """Everything about one job."""

    spec: JobSpec = Field(description="The request with every default filled in.")
    recipe_fingerprint: str = Field(description="Equal fingerprints mean equal masks.")
    attempts: list[Attempt]
    report: dict[str, Any] | None = Field(description="Measured facts; there once the job has succeeded.")

    @classmethod
    def with_attempts(cls, job: Job, attempts: list[JobAttempt]) -> Self:
        """The job of a row and its attempts."""
        return cls.of(
            job,
            spec=JobSpec.model_validate(job.spec),
            recipe_fingerprint=job.recipe_fingerprint,
            attempts=[Attempt.model_validate(attempt) for attempt in attempts],
            report=job.report,
        )


class JobPage(BaseModel):
    """A page of a list."""

    items: list[JobSummary]
    next_cursor: str | None = Field(description="Pass it as `cursor` for the next page; null on the last.")


class EventList(BaseModel):
    """Events after a known one, oldest first."""

    items: list[Event]
    next_after: int = Field(description="Pass it as `after` for what has happened since.")


class ArtifactItem(BaseModel):
    """A file that a job has produced."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    size: int = Field(description="Bytes.")
    sha256: str
    created_at: datetime
    url: str = Field(description="Where its content is, relative to this service.")

    @classmethod
    def of(cls, artifact: Artifact) -> Self:
        """The artifact of a row."""
        return cls(
            id=artifact.id,
            name=artifact.name,
            size=artifact.size,
            sha256=artifact.sha256,
            created_at=artifact.created_at,
            url=f"/v1/jobs/{artifact.job_id}/artifacts/{artifact.id}/content",
        )


class ArtifactList(BaseModel):
    """The files of a job, by name."""

    items: list[ArtifactItem]


class MethodItem(BaseModel):
    """A pruning method."""

    name: str
    formula: str
    options: dict[str, Any] = Field(description="JSON Schema of the method's object form.")


class MethodList(BaseModel):
    """The methods that a job may name."""

    items: list[MethodItem]


class Health(BaseModel):
    """The answer of a probe."""

    status: str = Field(examples=["ok"])


def encode_cursor(last: UUID) -> str:
    """An opaque cursor for the page after the job `last`."""
    return base64.urlsafe_b64encode(last.bytes).decode().rstrip("=")


def decode_cursor(cursor: str) -> UUID:
    """The job that `encode_cursor` was given. Raises ValueError for what it never made."""
    try:
        return UUID(bytes=base64.b64decode(cursor + "==", altchars=b"-_", validate=True))
    except (binascii.Error, ValueError) as error:
        raise ValueError("must be the next_cursor of an earlier page") from error
