"""Jobs: the request, the answers and the query of the list.

`pruning.recipe` and `jobs.spec` define the fields of a job. The request and the answers are made of their
types, so a field that is added there appears here, in the OpenAPI document and in the form.
"""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, WithJsonSchema

from api.schemas.base import JsonBody
from api.schemas.pages import Page, PageQuery
from jobs.fleet.waiting import MOST_COUNTED, Wait, WaitsFor
from jobs.lifecycle.events import JobError
from jobs.placement.classes import UNPLACED
from jobs.placement.needs import Needs
from jobs.queries import queries
from jobs.spec.gate import GateState, Verdict
from jobs.spec.job import JobOptions, JobSpec, stored_spec
from jobs.spec.labels import Labels
from jobs.spec.priority import Priority
from jobs.states import JobState, Outcome
from jobs.tables import Job, JobAttempt
from pruning.recipe import CUT_ALONE, GRADIENTS_ALONE, METHODS, Recipe, Stage, Text, implies_sparsity

# A stored report is passed on as it is. One of another version may differ from the schema of this one.
StoredReport = Annotated[
    dict[str, Any],
    WithJsonSchema({"anyOf": [{"$ref": "#/components/schemas/Report"}, {"type": "object"}]}),
]


_PRIORITY = (
    "Your queued job with the highest priority runs first. Before the jobs of other owners it counts only if "
    "an admin has granted you that."
)


def _shorthand_and_examples(schema: dict[str, Any]) -> None:
    model = schema["properties"]["model"]
    schema["properties"]["model"] = {
        "anyOf": [{"type": "string"}, {"$ref": model["$ref"]}],
        "description": model["description"],
    }
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
    """What to prune and how. Model, method and sparsity are enough: every other field has a default."""

    model_config = ConfigDict(json_schema_extra=_shorthand_and_examples)

    labels: Labels = Field({}, description="Names and values of your own, to find the job by.")
    priority: Priority = Field(0, description=_PRIORITY)

    def spec(self) -> JobSpec:
        """Return what is stored with the job and read by the worker."""
        recipe = Recipe(**{name: getattr(self, name) for name in Recipe.model_fields})
        return JobSpec(recipe=recipe, **{name: getattr(self, name) for name in JobOptions.model_fields})


class CompleteRequest(JobRequest):
    """The request for a job with every default filled in: `POST /v1/jobs` takes it as it is."""

    model_config = ConfigDict(json_schema_extra={})

    @classmethod
    def of(cls, job: Job) -> Self:
        """Return the request for a stored job. Raises UnknownSpecVersion."""
        return cls.model_validate(stored_spec(job.spec).as_request() | beside_the_spec(job))


def beside_the_spec(job: Job) -> dict[str, Any]:
    """Return the fields of a job's request that its worker need not know, as they are now."""
    return {"labels": job.labels, "priority": job.priority}


class JobChange(JsonBody):
    """What can be changed about a queued job."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"priority": 10}]})

    priority: Priority | None = Field(None, description=f"{_PRIORITY} Left out, it stays as it is.")


class JobChanges(BaseModel):
    """Fields of a job's request to change, as a JSON merge patch (RFC 7396); null takes the default again.

    A method, an allocation or a model of another name replaces the old one with its options. A pattern that
    implies its sparsity needs none.
    """

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [{"sparsity": 0.6}, {"method": {"name": "wanda"}, "labels": {"team": "search"}}]
        },
    )

    def applied_to(self, request: JobRequest) -> dict[str, Any]:
        """Return the fields of the changed request, which are not yet validated."""
        changes = dict(self.model_extra or {})
        fields = request.model_dump(mode="json")
        if "sparsity" not in changes and implies_sparsity(changes.get("pattern")):
            del fields["sparsity"]
        return _patched(fields, changes)


def _patched(fields: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    patched = dict(fields)
    for name, change in changes.items():
        before = patched.get(name)
        if change is None:
            patched.pop(name, None)
        elif isinstance(before, dict) and isinstance(change, dict):
            renamed = any(key in change and change[key] != before.get(key) for key in ("id", "name"))
            patched[name] = change if renamed else _patched(before, change)
        else:
            patched[name] = change
    return patched


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


class Waiting(BaseModel):
    """Why a queued job waits."""

    reason: WaitsFor = Field(
        description="What it waits for: `outside` (say, the Hub does not answer), `unschedulable` (it needs"
        " more than any connected worker has), `worker` (none is connected), `healthy_worker` (all are"
        " quarantined), `uncordoned_worker` (an operator lets none take jobs), `resumed_queue` (an operator"
        " has paused its queue), `dispatcher` (none is connected), `checks` (its files are looked at first),"
        " `another_job` (which computes what it needs too), `own_jobs` (as many of yours run as may at once),"
        " `its_share` (more of yours run than of others who wait) or `its_turn`."
    )
    position: int | None = Field(
        description="Its place among the jobs of its queue that could run, from 1; null beyond 100, and where"
        " it could not run before something else has happened."
    )
    message: str = Field(
        description="The reason in words. With the scope `admin` they include why workers are quarantined."
    )
    since: datetime | None = Field(
        description="When something outside first did not answer; null for another reason."
    )
    tries: int | None = Field(description="How often that was tried in vain since then.")
    next_try_at: datetime | None = Field(description="When it is tried again, if a worker is free.")

    @classmethod
    def of(cls, job: Job, wait: Wait, *, with_faults: bool) -> Self:
        """Put a reason into words, with the workers' faults or without."""
        outside = wait.reason == WaitsFor.OUTSIDE
        return cls(
            reason=wait.reason,
            position=wait.position,
            message=job.waiting_for or "" if outside else _in_words(wait, job.queue, with_faults=with_faults),
            since=job.unreachable_since if outside else None,
            tries=job.unreachable_tries if outside else None,
            next_try_at=job.next_try_at if outside else None,
        )


def _in_words(wait: Wait, queue: str, *, with_faults: bool) -> str:
    if wait.reason == WaitsFor.OWN_JOBS:
        return f"{_running(wait.running)}, as many as may at once"
    if wait.reason == WaitsFor.ITS_SHARE:
        place = _in_words(replace(wait, reason=WaitsFor.ITS_TURN), queue, with_faults=False)
        return f"{_running(wait.running)}, more than your share while others wait; {place}"
    if wait.reason == WaitsFor.ITS_TURN:
        return _place(wait.position) or f"behind more than {MOST_COUNTED} others in the queue"
    if wait.shortage is not None:
        return wait.shortage
    of_class = "" if queue == UNPLACED else f" of the class {queue}"
    said = _WAITS_FOR[wait.reason].format(of_class=of_class)
    if wait.reason in (WaitsFor.UNCORDONED_WORKER, WaitsFor.RESUMED_QUEUE):
        return "; ".join(filter(None, (said, _place(wait.position))))
    faults = "; ".join(filter(None, wait.faults)) if with_faults else ""
    return said + (f": {faults}" if faults else "")


def _running(count: int) -> str:
    return (
        f"{count} of your jobs {'runs' if count == 1 else 'run'} or {'is' if count == 1 else 'are'} about to"
    )


def _place(position: int | None) -> str:
    if position is None:
        return ""
    return "next in the queue" if position == 1 else f"position {position} in the queue"


_WAITS_FOR = {
    WaitsFor.WORKER: "no worker{of_class} is connected",
    WaitsFor.HEALTHY_WORKER: "every worker{of_class} is quarantined",
    WaitsFor.UNCORDONED_WORKER: "an operator lets the workers{of_class} take no more jobs",
    WaitsFor.RESUMED_QUEUE: "an operator has paused the queue{of_class}",
    WaitsFor.DISPATCHER: "no dispatcher is connected",
    WaitsFor.CHECKS: "its files are looked at first",
    WaitsFor.ANOTHER_JOB: "another job computes gradients that it needs too",
}


class JobSummary(BaseModel):
    """A job as it appears in a list."""

    id: UUID = Field(description="Identifies the job.")
    name: str | None = Field(None, description="The name that the request gave it, for people.")
    state: JobState = Field(description="The current state.")
    model: str = Field(description="The dense model: a Hub id or a path.")
    method: str = Field(
        description="The name of the pruning method; `structure` for a job that masks nothing, `gradients` "
        "for one that computes gradient norms."
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
    attempt: int = Field(description="How often a worker has started the job; 0 before the first time.")
    priority: int = Field(0, description="Your queued job with the highest priority runs first.")
    waiting: Waiting | None = Field(description="Why the job waits; null unless it is queued.")
    progress: Progress | None = Field(description="How far the job has come; null before it first runs.")
    checks: Literal["done", "pending"] = Field(
        "done",
        description="`pending` until the service has looked at the job's files, if a disk is slow.",
    )
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
            waiting=waiting,
            progress=None
            if job.stage is None
            else Progress(
                stage=Stage(job.stage), step=job.step, steps=job.steps, seconds_left=job.seconds_left
            ),
            checks="pending" if job.checks_pending and job.state == JobState.QUEUED else "done",
            perplexity=None
            if job.state != JobState.SUCCEEDED or job.method == GRADIENTS_ALONE
            else Perplexity(dense=job.dense_perplexity, pruned=job.pruned_perplexity),
            gate=None if job.gate is None else Verdict.model_validate(job.gate),
            error=None if job.error is None else JobError.model_validate(job.error),
            **more,
        )


_PLAIN_FIELDS = JobSummary.model_fields.keys() - {
    "progress",
    "checks",
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
    worker_class: str | None = Field(
        None, description="The class of workers that the job was given to; null before it was given to one."
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
            worker_class=None if job.queue == UNPLACED else job.queue,
            needs=None if job.needs is None else Needs.model_validate(job.needs),
            recipe_fingerprint=job.recipe_fingerprint,
            attempts=[Attempt.model_validate(attempt) for attempt in attempts],
            report=job.report,
        )


def _known_method(name: str) -> str:
    known = (*METHODS, CUT_ALONE, GRADIENTS_ALONE)
    if name not in known:
        raise ValueError(f"must be one of {', '.join(known)}")
    return name


KnownMethod = Annotated[Text, AfterValidator(_known_method)]


def _label(term: str) -> str:
    name, equals, value = term.partition("=")
    if not (name and equals and value):
        raise ValueError("must be written name=value")
    return term


MAX_MODELS = 20
"""A search lists the jobs of at most this many models."""


class JobListQuery(PageQuery):
    """Which jobs to list."""

    state: list[JobState] = Field(
        [], max_length=len(JobState), description="Jobs in this state; repeat it to list several states."
    )
    method: KnownMethod | None = Field(None, description="Jobs with this pruning method.")
    model: Text | None = Field(None, description="Jobs that prune the model with exactly this id.")
    search: Text | None = Field(
        None, description=f"Jobs whose model's name contains this; of the first {MAX_MODELS} models by name."
    )
    gate: GateState | None = Field(None, description="Jobs that passed, or that failed, their gate.")
    since: AwareDatetime | None = Field(None, description="Jobs that were submitted at this time or later.")
    until: AwareDatetime | None = Field(None, description="Jobs that were submitted before this time.")
    order: Literal["newest", "oldest"] = Field("newest", description="Which jobs come first.")
    label: list[Annotated[Text, AfterValidator(_label)]] = Field(
        [], max_length=4, description="Jobs with this label, as `name=value`; if repeated, with all of them."
    )

    def filter(self) -> queries.JobFilter:
        """Return the filter for the database."""
        labels = tuple((name, value) for name, _, value in (term.partition("=") for term in self.label))
        return queries.JobFilter(
            tuple(dict.fromkeys(self.state)),
            self.method,
            self.model,
            self.gate,
            labels,
            since=self.since,
            until=self.until,
            oldest_first=self.order == "oldest",
        )
