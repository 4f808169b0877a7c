"""The representations of a job: in a list, and of one, with its events and the reason why it waits."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from api.schemas.base import Page
from api.schemas.job_requests import CompleteRequest
from jobs.lifecycle.events import Event, JobError
from jobs.queue.resources import Needs
from jobs.queue.waiting import MAX_POSITION, Wait, WaitsFor
from jobs.spec.gate import Verdict
from jobs.states import JobState, Outcome
from jobs.tables import Job, JobAttempt
from pruning.recipe import NORMS_ONLY, Stage
from pruning.report import Interval, Intervals


class Waiting(BaseModel):
    """Why a job waits."""

    reason: WaitsFor = Field(
        description="What it waits for: `hub` (which does not answer), `unschedulable` (it needs"
        " more than any connected worker has), `worker` (none is connected), `quarantined` (all are),"
        " `cordoned` (an operator lets none take jobs), `paused` (an operator"
        " has paused its queue), `scheduler` (none is connected), `broker` (it answers no scheduler),"
        " `database` (its disk is full; also of a running job),"
        " `checks` (its size is estimated, to choose a worker), `another_job` (which computes what it needs"
        " too), `own_jobs` (as many of yours run as may at once), `its_turn` or `store` (which is full or"
        " does not answer)."
    )
    position: int | None = Field(
        description="Its place among the jobs of its queue that could run, from 1; null beyond 100, for a"
        " second after it was queued, and where it could not run before something else has happened."
    )
    message: str = Field(
        description="The reason in words. With the scope `admin` they include why workers are quarantined."
    )
    job_id: UUID | None = Field(None, description="The job that it waits for.")
    since: datetime | None = Field(
        description="When the Hub, the store or the broker first did not answer; null for another reason."
    )
    tries: int | None = Field(description="How many tries have failed since then.")
    next_try_at: datetime | None = Field(description="When it is tried again, once a worker is free.")

    @property
    def awaited(self) -> str:
        """What does not answer, where something does not."""
        return "the store" if self.reason == WaitsFor.STORE else "the Hub"

    @classmethod
    def of(cls, job: Job, wait: Wait, *, with_faults: bool) -> Self:
        """Put a reason into words, with the workers' faults or without."""
        since, tries = _outage_of(job, wait.reason)
        return cls(
            reason=wait.reason,
            position=wait.position,
            message=_message(job, wait, with_faults=with_faults),
            job_id=wait.job_id,
            since=since or wait.since,
            tries=tries,
            next_try_at=job.next_try_at if wait.reason in _OUTAGES else None,
        )


def _outage_of(job: Job, reason: WaitsFor) -> tuple[datetime | None, int | None]:
    """Return since when what the job waits for does not answer, and how often that was tried."""
    if reason == WaitsFor.STORE:
        return job.outage_of("store")[:2]
    return job.outage_of("hub")[:2] if reason == WaitsFor.HUB else (None, None)


def _message(job: Job, wait: Wait, *, with_faults: bool) -> str:
    if wait.reason in _OUTAGES:
        return job.waiting_for or ""
    return _describe(wait, with_faults=with_faults)


def _describe(wait: Wait, *, with_faults: bool) -> str:
    if wait.reason == WaitsFor.OWN_JOBS:
        return f"{_count_running(wait.running)}, as many as may at once"
    if wait.reason == WaitsFor.ITS_TURN:
        return _position(wait)
    if wait.reason == WaitsFor.ANOTHER_JOB:
        return f"job {wait.job_id} computes gradients that it needs too"
    if wait.shortage is not None:
        return wait.shortage
    of_queue = "" if wait.queue is None else f" of the queue {wait.queue}"
    faults = "; ".join(filter(None, wait.faults)) if with_faults else ""
    reason = _WAITS_FOR[wait.reason].format(of_queue=of_queue, queue=wait.queue)
    return f"{reason}: {faults}" if faults else reason


def _count_running(count: int) -> str:
    return f"{count} of your jobs {'runs' if count == 1 else 'run'}"


def _position(wait: Wait) -> str:
    if wait.is_new:
        return "it was just queued"
    if wait.position is None:
        beyond = f"behind more than {MAX_POSITION} others in the queue"
        return beyond if wait.is_beyond else "it is not in line yet"
    return "next in the queue" if wait.position == 1 else f"position {wait.position} in the queue"


_OUTAGES = (WaitsFor.HUB, WaitsFor.STORE)

_WAITS_FOR = {
    WaitsFor.DATABASE: "the database's disk is full; the operator must make room",
    WaitsFor.WORKER: "no worker{of_queue} is connected",
    WaitsFor.QUARANTINED: "every worker{of_queue} is quarantined",
    WaitsFor.CORDONED: "an operator lets the workers{of_queue} take no more jobs",
    WaitsFor.PAUSED: "an operator has paused the queue {queue}",
    WaitsFor.SCHEDULER: "no scheduler is connected",
    WaitsFor.BROKER: "the broker does not answer, so no job reaches a worker",
    WaitsFor.CHECKS: "its size is estimated, to choose a worker",
}


# A stored report is passed on as it is. One of another version may differ from the schema of this one.
StoredReport = Annotated[
    dict[str, Any],
    WithJsonSchema({"anyOf": [{"$ref": "#/components/schemas/Report"}, {"type": "object"}]}),
]


class Progress(BaseModel):
    """How far a job has come."""

    stage: Stage = Field(description="The stage that is running, or the one in which the job stopped.")
    step: int | None = Field(description="How many steps of the stage are finished.")
    steps: int | None = Field(description="How many steps the stage has: blocks, or groups of windows.")
    seconds_left: float | None = Field(description="Estimated seconds until the whole job is done.")


class Perplexity(BaseModel):
    """The perplexity of the model before and after pruning."""

    dense: float | None = Field(description="Perplexity of the dense model; null if it is not finite.")
    pruned: float | None = Field(description="Perplexity of the pruned model; null if it is not finite.")
    interval: Interval | None = Field(
        None, description="95 % confidence interval of the pruned model's; null for fewer than 8 windows."
    )

    @classmethod
    def of(cls, job: Job) -> Self:
        """Return what was measured in a job that has succeeded."""
        interval = (job.intervals or {}).get("perplexity")
        return cls(dense=job.dense_perplexity, pruned=job.pruned_perplexity, interval=interval)


class ExportItem(BaseModel):
    """An exported file or directory as it appears in a list; the report has everything that was measured."""

    name: str = Field(description="The format and its type, such as `gguf:Q4_K_M`.")
    path: str = Field(description="The file or the directory, relative to the result's.")
    bytes: int = Field(description="Size of the file, or of the weight files in the directory.")
    dense_bytes: int = Field(description="Size of the dense model in 16 bits, in the same format.")
    perplexity: float = Field(description="Perplexity of the exported file.")
    dense_perplexity: float = Field(description="That of the dense model, by the same evaluator.")
    kl: float | None = Field(description="KL(dense ‖ exported) per predicted token; null where not known.")
    agreement: float | None = Field(description="How often both find the same token most probable.")
    intervals: Intervals | None = Field(
        None, description="95 % confidence intervals; null for fewer than 8 windows."
    )


class JobSummary(BaseModel):
    """A job as it appears in a list."""

    id: UUID = Field(description="Identifies the job.")
    name: str | None = Field(None, description="The display name that the request gave it.")
    state: JobState = Field(description="The current state.")
    model: str = Field(description="The dense model: a Hub id or a path.")
    method: str = Field(
        description="The name of the pruning method, or of the preset, `best` or `recovered`, whose options "
        "the job has; `structure` for a job that masks nothing, `norms` for one that computes gradient "
        "norms."
    )
    pattern: str = Field(description="`unstructured`, or an N:M pattern such as `2:4`.")
    sparsity: float = Field(description="The requested share of zeros in the pruned layers.")
    measured_sparsity: float | None = Field(
        description="The measured share of zeros in the pruned layers; null before the job has succeeded."
    )
    parameters: int | None = Field(
        None, description="Parameters of the pruned model, zeros included; null before it has succeeded."
    )
    weight_bytes: int | None = Field(
        None, description="Size of its weight files; null before the job has succeeded."
    )
    stored_weight_bytes: int | None = Field(
        None,
        description="What its weight files take in the store, compressed where that is worth it: by this, "
        "masks and smaller models are compared. Null where they are not kept.",
    )
    speedup: float | None = Field(
        None,
        description="How many times as fast as the dense model it is; 1 for a mask that was not measured, "
        "null where nothing is known.",
    )
    exports: list[ExportItem] = Field(
        [], description="The files for engines, each measured as that file; empty before it has succeeded."
    )
    attempt: int = Field(description="How often a worker has started the job; 0 before the first time.")
    priority: int = Field(0, description="Your queued job with the highest priority runs first.")
    waiting: Waiting | None = Field(
        description="Why the job waits; null unless it is queued, or runs and waits for the store."
    )
    progress: Progress | None = Field(description="How far the job has come; null before it first runs.")
    perplexity: Perplexity | None = Field(description="Both perplexities; null before the job has succeeded.")
    gate: Verdict | None = Field(
        description="How the job met its gate; set once a job with a gate succeeded."
    )
    error: JobError | None = Field(description="Why the job failed; null if it did not.")
    labels: dict[str, str] = Field(description="The labels of the request.")
    created_at: datetime = Field(description="When the job was submitted.")
    queued_at: datetime = Field(description="When the job was last put into the queue.")
    running_at: datetime | None = Field(description="When a worker last started the job.")
    cancelling_at: datetime | None = Field(description="When its worker was asked to stop.")
    succeeded_at: datetime | None = Field(description="When the job succeeded.")
    failed_at: datetime | None = Field(description="When the job last failed.")
    cancelled_at: datetime | None = Field(description="When the job was last cancelled.")
    artifacts_expired_at: datetime | None = Field(description="When the job's files were deleted.")

    @classmethod
    def of(cls, job: Job, waiting: Waiting | None, **more: Any) -> Self:  # noqa: ANN401 - the fields that a subclass adds
        """Build the summary from a row and why the job waits."""
        plain = {name: getattr(job, name) for name in _PLAIN_FIELDS}
        return cls(
            **plain,
            exports=[ExportItem(**export) for export in job.exports or ()],
            waiting=waiting,
            progress=None
            if job.stage is None
            else Progress(
                stage=Stage(job.stage), step=job.step, steps=job.steps, seconds_left=job.seconds_left
            ),
            perplexity=None
            if job.state != JobState.SUCCEEDED or job.method == NORMS_ONLY
            else Perplexity.of(job),
            gate=None if job.gate is None else Verdict.model_validate(job.gate),
            error=None if job.error is None else JobError.model_validate(job.error),
            **more,
        )


_PLAIN_FIELDS = JobSummary.model_fields.keys() - {
    "progress",
    "exports",
    "waiting",
    "perplexity",
    "gate",
    "error",
}


class JobPage(Page[JobSummary]):
    """A page of your jobs, newest first."""


class Attempt(BaseModel):
    """One attempt of a worker to run the job."""

    model_config = ConfigDict(from_attributes=True)

    attempt: int = Field(description="Counts from 1.")
    started_at: datetime = Field(description="When the worker took the job.")
    ended_at: datetime | None = Field(description="When the attempt ended; null while it runs.")
    outcome: Outcome | None = Field(description="How the attempt ended; null while it runs.")
    reason: str | None = Field(description="Why it ended that way, where there is more to say.")


class JobDetail(JobSummary):
    """Everything about one job."""

    spec: CompleteRequest = Field(
        description="The request with every default filled in: sent as it is, it submits the job again."
    )
    queue: str | None = Field(
        None, description="The queue of the worker that has claimed the job last; null before one has."
    )
    needs: Needs | None = Field(
        None, description="What the job needs of a worker; null while that is not known."
    )
    recipe_fingerprint: str = Field(description="Jobs with equal fingerprints produce equal results.")
    attempts: list[Attempt] = Field(description="Every attempt to run the job, first to last.")
    report: StoredReport | None = Field(description="What was measured; set once the job has succeeded.")

    @classmethod
    def with_attempts(cls, job: Job, waiting: Waiting | None, attempts: list[JobAttempt]) -> Self:
        """Build the answer from the rows of a job and its attempts, and why the job waits."""
        return cls.of(
            job,
            waiting,
            spec=CompleteRequest.of(job),
            queue=job.queue,
            needs=Needs.model_validate(job.needs) if job.needs else None,
            recipe_fingerprint=job.recipe_fingerprint,
            attempts=[Attempt.model_validate(attempt) for attempt in attempts],
            report=job.report,
        )


class EventList(BaseModel):
    """Events of a job, oldest first."""

    items: list[Event] = Field(description="At most 500 events.")
    next_after: int = Field(description="Send it as `after` to get the events that follow.")
