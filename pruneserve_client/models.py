"""The models of the REST API. Generated from its OpenAPI document by `make client`; do not edit."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from pruneserve_client.base import EventModel, JobModel, Model


class Admm(Model):
    """The support searched by ADMM on the layer's reconstruction error (ALPS, arXiv 2406.07831)."""

    damping: float = 0.01
    """Added to the diagonal of the second moments, as a part of its mean."""

    iterations: int = 300
    """At most; it stops when the support settles."""

    name: Literal["admm"] = "admm"
    penalty: float = 0.1
    """At the start; it rises as the support settles."""


class ArtifactItem(Model):
    """A file that a job has produced."""

    created_at: AwareDatetime
    id: UUID
    name: str
    sha256: str
    size: int
    """Bytes."""

    url: str
    """Where its content is, relative to this service."""


class ArtifactList(Model):
    """The files of a job, by name."""

    items: list[ArtifactItem]


class Attempt(Model):
    """One worker's hold on the job."""

    attempt: int
    ended_at: AwareDatetime | None
    outcome: str | None
    reason: str | None
    started_at: AwareDatetime


class Calibration(Model):
    """The token windows on which activations and gradients are measured. The defaults are the reference's."""

    dataset: str | None = "c4"
    """A text; several by weight go into `datasets`."""

    datasets: list[WeightedDataset] = Field([], validate_default=True)
    """Several sets by weight, in place of `dataset`."""

    samples: int = 128
    """Token windows."""

    seed: int = 0
    sequence_length: int | None = None
    """Tokens per window; min(2048, the model's context) when left out."""


class Condition(Model):
    """One condition against what was measured."""

    limit: float
    margin: float | None
    """How far the measured value lies on the good side of the limit; negative on the other."""

    measured: float | None
    """Null where it is not finite, or was not measured."""

    name: str
    passed: bool


class DeliveryItem(Model):
    """A message to an endpoint, and how often it was sent."""

    attempts: int
    created_at: AwareDatetime
    delivered_at: AwareDatetime | None
    event: str
    id: UUID
    """Every attempt has it as `webhook-id`: `msg_` and its hexadecimal digits."""

    last_attempt_at: AwareDatetime | None
    last_error: str | None
    last_status: int | None
    next_attempt_at: AwareDatetime | None
    state: Literal["pending", "delivered", "failed"] | str


class DeliveryPage(Model):
    """A page of a list."""

    items: list[DeliveryItem]
    next_cursor: str | None
    """Pass it as `cursor` for the next page; null on the last."""


class Estimate(Model):
    """What the job will take."""

    dtype: str
    """Of the computation."""

    machine: Machine
    memory_bytes: int
    """The largest of all stages."""

    model: ModelEstimate
    notes: list[str]
    """What the figures leave out or take for granted."""

    output_bytes: int
    """Of the pruned model's weights; with the masks, if wanted."""

    schedule: Literal["whole", "streamed"] | str | None
    """Of the gradients; null for a job that needs none."""

    seconds: float
    """Of all stages."""

    stages: list[StageEstimate]


class Evaluation(Model):
    """Perplexity over windows of text; by default they do not overlap, as in the reference."""

    dataset: str = "wikitext2"
    """Text that is not the calibration text."""

    further_datasets: list[str] = []
    """More texts, each with a perplexity of its own in the report."""

    sequence_length: int | None = None
    """Tokens per window; min(2048, the model's context) when left out."""

    stride: int | None = None
    """Tokens from the start of one window to that of the next, at most sequence_length, which must be given too. Each token is predicted once, with the overlap as its context. When left out, windows do not overlap."""

    task_limit: int | None = None
    """The first so many examples of each task; all when left out."""

    tasks: list[str] = []
    """Zero-shot tasks of lm-evaluation-harness, or of the operator's own, such as hellaswag."""

    windows: int | None = None
    """The first so many windows of each text; all when left out."""


class Event(EventModel):
    """An event as it was recorded. Readers resume after the id of the last one that they saw."""

    at: AwareDatetime
    data: StateChanged | StageStarted | StepFinished | StageFinished | LogMessage | dict[str, Any]
    id: int
    """Counts from 1 within the job, without gaps."""


class EventList(Model):
    """Events after a known one, oldest first."""

    items: list[Event]
    next_after: int
    """Pass it as `after` for what has happened since."""


class FieldError(Model):
    """What is wrong with one field."""

    field: str
    """Dotted path in the body, or a parameter's name."""

    message: str


class Gate(Model):
    """Conditions on the measured quality. No part of the recipe: they change no weight."""

    max_perplexity: float | None = None
    """The pruned model's perplexity on evaluation.dataset, at most."""

    max_perplexity_increase: float | None = None
    """How far the perplexity may lie over the dense model's, relative to it: 0.05 is 5 %."""

    min_zero_shot: dict[str, float] = {}
    """The pruned model's score, at least, in tasks of evaluation.tasks: its accuracy (`acc`), or the first metric of a task without one."""


class Gblm(Model):
    """|W|·‖X‖₂ + |W|·‖α·G‖ per output row (Das et al., 2023, arXiv 2311.04902)."""

    alpha: float = 100.0
    """The scale of the gradients; the paper uses 100."""

    inverse: bool = False
    """Divide by the gradients instead, the reference's inverse-gradient score."""

    name: Literal["gblm"] = "gblm"
    norm: Literal["l1", "l2"] | str = "l1"
    """The norm over calibration windows; the published figures are L1's."""

    selection: Literal["share", "cumulative"] | str = "share"
    """Which weights of a row go: the lowest share, or (unstructured only) those whose scores together make up a part of the row's total, the part chosen per matrix; it may miss the sparsity by more than 0.001."""


class Gradient(Model):
    """|W|·‖G‖ per output row, G the loss gradients over the calibration windows (arXiv 2311.04902)."""

    inverse: bool = False
    """Divide by the gradients instead, the reference's inverse-gradient score."""

    name: Literal["gradient"] = "gradient"
    norm: Literal["l1", "l2"] | str = "l1"
    """The norm over calibration windows."""


class GradientGuided(Model):
    """More sparsity for the layers with more weights that the loss hardly feels, by |W|·‖G‖₂."""

    band: float = 0.25
    """How far a layer's sparsity may lie from the recipe's, at most."""

    name: Literal["gradient"] = "gradient"


class Health(Model):
    """The answer of a probe."""

    status: str


class JobDetail(JobModel):
    """Everything about one job."""

    artifacts_expired_at: AwareDatetime | None
    """When the job's files were deleted."""

    attempt: int
    """How often a worker has taken the job; 0 before the first."""

    attempts: list[Attempt]
    cancelled_at: AwareDatetime | None
    cancelling_at: AwareDatetime | None
    created_at: AwareDatetime
    error: JobError | None
    failed_at: AwareDatetime | None
    gate: Verdict | None
    """Once a job that was given a gate has succeeded."""

    id: UUID
    labels: dict[str, str]
    method: str
    model: str
    pattern: str
    perplexity: Perplexity | None
    progress: Progress | None
    queued_at: AwareDatetime
    recipe_fingerprint: str
    """Equal fingerprints mean equal masks."""

    report: dict[str, Any] | None
    """Measured facts; there once the job has succeeded."""

    running_at: AwareDatetime | None
    sparsity: float
    spec: JobSpec
    """The request with every default filled in."""

    state: Literal["queued", "running", "cancelling", "succeeded", "failed", "cancelled"] | str
    """Where a job stands. Each state has a column `<state>_at` with the time it was last entered."""

    succeeded_at: AwareDatetime | None


class JobError(Model):
    """Why a job failed, and what to do about it."""

    field: str | None = None
    """The field of the request that caused it, if one did."""

    message: str
    """What went wrong and what to do, for people."""

    type: str
    """What went wrong, for programs."""


class JobPage(Model):
    """A page of a list."""

    items: list[JobSummary]
    next_cursor: str | None
    """Pass it as `cursor` for the next page; null on the last."""


class JobRequest(Model):
    """What to prune and how. Model, method and sparsity are enough; the rest has the reference's defaults."""

    allocation: str | Uniform | Owl | GradientGuided = Field({"name": "uniform"}, validate_default=True)
    """How the sparsity is spread over the layers."""

    calibration: Calibration = Field(
        {"dataset": "c4", "datasets": [], "samples": 128, "seed": 0}, validate_default=True
    )
    dtype: Literal["auto", "float64", "float32", "bfloat16", "float16"] | str = "auto"
    """The precision of the computation, not of the saved weights."""

    evaluation: Evaluation = Field(
        {"dataset": "wikitext2", "further_datasets": [], "tasks": []}, validate_default=True
    )
    gate: Gate | None = None
    """What the result must reach for the job to be called passed."""

    gradients: str | None = None
    """The path of gradient norms that an earlier run on the same weights saved, to be used in place of computing them."""

    labels: dict[str, str] = {}
    """Of the client's own, to find its jobs by."""

    layers: LayerSelection = Field({"exclude": [], "include": []}, validate_default=True)
    method: str | Magnitude | Wanda | Gradient | Gblm | Ria | SparseGpt | Admm
    model: str | ModelReference
    order: Literal["blocks", "layers"] | str = "blocks"
    """What is pruned when a layer's inputs are measured: the earlier blocks (the reference's order), or the earlier layers of its own block too."""

    pattern: str = "unstructured"
    refit: bool | RefitOptions | None = None
    """Whether the kept weights are solved again."""

    save_masks: bool = False
    """Also keep the masks, as an artifact of their own."""

    sparsity: float | None = None
    """The share of zeros in the pruned layers. An N:M pattern implies it: 1 - N/M."""

    stop_when_missed: bool = False
    """End the evaluation as soon as the gate's perplexity is certain to be missed, and keep nothing but the report of a model that misses its gate."""


class JobSpec(Model):
    """Stored with the job as JSON; the worker reads nothing else about what is wanted."""

    evaluation: Evaluation = Field(
        {"dataset": "wikitext2", "further_datasets": [], "tasks": []}, validate_default=True
    )
    gate: Gate | None = None
    """What the result must reach for the job to be called passed."""

    recipe: Recipe
    save_masks: bool = False
    """Also keep the masks, as an artifact of their own."""

    stop_when_missed: bool = False
    """End the evaluation as soon as the gate's perplexity is certain to be missed, and keep nothing but the report of a model that misses its gate."""


class JobSummary(JobModel):
    """A job as it appears in a list."""

    artifacts_expired_at: AwareDatetime | None
    """When the job's files were deleted."""

    attempt: int
    """How often a worker has taken the job; 0 before the first."""

    cancelled_at: AwareDatetime | None
    cancelling_at: AwareDatetime | None
    created_at: AwareDatetime
    error: JobError | None
    failed_at: AwareDatetime | None
    gate: Verdict | None
    """Once a job that was given a gate has succeeded."""

    id: UUID
    labels: dict[str, str]
    method: str
    model: str
    pattern: str
    perplexity: Perplexity | None
    progress: Progress | None
    queued_at: AwareDatetime
    running_at: AwareDatetime | None
    sparsity: float
    state: Literal["queued", "running", "cancelling", "succeeded", "failed", "cancelled"] | str
    """Where a job stands. Each state has a column `<state>_at` with the time it was last entered."""

    succeeded_at: AwareDatetime | None


class KeyItem(Model):
    """A key, without its secret."""

    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    id: UUID
    last_used_at: AwareDatetime | None
    """To the minute."""

    name: str
    owner: str
    prefix: str
    """The letters after `ps_`, by which a key can be recognised."""

    scopes: list[Literal["jobs:read", "jobs:write", "admin"] | str]


class KeyPage(Model):
    """A page of a list."""

    items: list[KeyItem]
    next_cursor: str | None
    """Pass it as `cursor` for the next page; null on the last."""


class KeyRequest(Model):
    """The key that is wanted."""

    expires_in_days: float | None = None
    """It does not run out when left out."""

    name: str
    """What it is for."""

    owner: str | None = None
    """Whose key; another's only with the scope `admin`."""

    scopes: list[Literal["jobs:read", "jobs:write", "admin"] | str] = ["jobs:read", "jobs:write"]
    """What it may do."""


class LayerSelection(Model):
    """Globs (`*`, `?`, `[…]`) on whole layer names, such as `model.layers.0.mlp.up_proj`."""

    exclude: list[str] = []
    """Layers that match one of these are not pruned, even if included."""

    include: list[str] = []
    """Only layers that match one of these are pruned; all when empty."""


class Lineage(Model):
    """Where the model comes from."""

    architecture: str | None
    base_model: str
    commit: str | None
    """Of the dense model on the Hub."""

    digest: str | None
    """Of the content of a local one."""

    job: UUID
    parameters: int | None
    pruneserve: str | None
    """The version that pruned it."""

    recipe_fingerprint: str
    """Equal fingerprints mean equal masks."""

    submitted_at: AwareDatetime
    succeeded_at: AwareDatetime | None


class LogMessage(Model):
    """A message for people."""

    attempt: int | None
    """The attempt that wrote it, if one did."""

    kind: Literal["log"]
    message: str


class Machine(Model):
    """A worker's device, as it was measured when the worker started."""

    bytes_per_second: float
    """Read and written by plain passes over its memory."""

    device: str
    """`cpu`, or the CUDA device with its name."""

    measured: bool = True
    """False: assumed, because no live worker was measured."""

    memory_bytes: int
    """Of the device that computes."""

    operations_per_second: dict[str, float]
    """Of large matrix products, by dtype; those that the device can compute with."""


class Magnitude(Model):
    """|W|, one threshold per weight matrix."""

    name: Literal["magnitude"] = "magnitude"


class MethodItem(Model):
    """A pruning method."""

    formula: str
    name: str
    options: dict[str, Any]
    """JSON Schema of the method's object form."""


class MethodList(Model):
    """The methods that a job may name."""

    items: list[MethodItem]


class ModelEstimate(Model):
    """The model, as its config describes it."""

    architecture: str
    blocks: int
    parameters: int
    """Without norms, biases and routers."""

    prunable: int
    """Weights in the linear layers of its blocks."""


class ModelReference(Model):
    """A model by Hub id or absolute path. The plain string `"org/name"` means its default revision."""

    id: str
    revision: str | None = None


class NewKey(Model):
    """A key that was just made."""

    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    id: UUID
    key: str
    """The key itself. Only its hash is kept: it cannot be read again."""

    last_used_at: AwareDatetime | None
    """To the minute."""

    name: str
    owner: str
    prefix: str
    """The letters after `ps_`, by which a key can be recognised."""

    scopes: list[Literal["jobs:read", "jobs:write", "admin"] | str]


class NewSecret(Model):
    """A secret that was just made."""

    previous_secret_until: AwareDatetime
    """So long the one before signs as well."""

    secret: str


class NewWebhook(Model):
    """An endpoint that was just made."""

    created_at: AwareDatetime
    disabled_reason: str | None
    enabled: bool
    events: list[Literal["job.succeeded", "job.failed", "job.cancelled", "job.gate_failed"] | str]
    failing_since: AwareDatetime | None
    """Null while the last message was taken."""

    id: UUID
    secret: str
    """`whsec_…`, for checking signatures; it cannot be read again."""

    url: str


class Owl(Model):
    """Less sparsity for the blocks with more outliers among their Wanda scores (arXiv 2310.05175)."""

    band: float = 0.08
    """Half of the distance between the least and the most pruned block."""

    name: Literal["owl"] = "owl"
    threshold: float = 5.0
    """An outlier is this many times the block's mean score."""


class Perplexity(Model):
    """The model's perplexity before and after; null where it is not finite."""

    dense: float | None
    pruned: float | None


class ProblemDocument(Model):
    """An RFC 9457 problem document. `type` is stable: programs may branch on it."""

    detail: str
    errors: list[FieldError] | None = None
    status: int
    title: str
    type: str


class Progress(Model):
    """Where a job is, or where it stopped."""

    seconds_left: float | None
    """An estimate for the whole job."""

    stage: Literal["resolve", "gradients", "prune", "evaluate", "upload"] | str
    """What a run is doing. `upload` belongs to the service; the library ends after `evaluate`."""

    step: int | None
    """Finished steps of the stage."""

    steps: int | None
    """Steps of the stage: blocks, or groups of windows."""


class Promotion(Model):
    """A job to put on show."""

    job: UUID
    note: str = ""
    """What it is good for, in a few words."""


class Recipe(Model):
    """Everything that decides the pruned weights. Two equal recipes give the same mask."""

    allocation: Uniform | Owl | GradientGuided | dict[str, Any] = Field(
        {"name": "uniform"}, validate_default=True
    )
    """How the sparsity is spread over the layers."""

    calibration: Calibration = Field(
        {"dataset": "c4", "datasets": [], "samples": 128, "seed": 0}, validate_default=True
    )
    dtype: Literal["auto", "float64", "float32", "bfloat16", "float16"] | str = "auto"
    """The precision of the computation, not of the saved weights."""

    gradients: str | None = None
    """The path of gradient norms that an earlier run on the same weights saved, to be used in place of computing them."""

    layers: LayerSelection = Field({"exclude": [], "include": []}, validate_default=True)
    method: Magnitude | Wanda | Gradient | Gblm | Ria | SparseGpt | Admm | dict[str, Any]
    model: ModelReference
    order: Literal["blocks", "layers"] | str = "blocks"
    """What is pruned when a layer's inputs are measured: the earlier blocks (the reference's order), or the earlier layers of its own block too."""

    pattern: str = "unstructured"
    refit: RefitOptions | None = None
    """Whether the kept weights are solved again."""

    sparsity: float | None = None
    """The share of zeros in the pruned layers. An N:M pattern implies it: 1 - N/M."""


class RefitOptions(Model):
    """The kept weights of each layer are solved again, to give the dense layer's outputs."""

    damping: float = 0.01
    """Added to the diagonal of the second moments, as a part of its mean."""

    iterations: int = 20
    """Steps of the conjugate gradients."""

    toward: float = 0.0
    """Which outputs: 0, those that the dense weights give on the inputs of the pruned model; 1, those that they give in the dense model; between the two, a mean."""


class Ria(Model):
    """(|W|/Σcolumn + |W|/Σrow)·‖X‖₂^power per output row (Zhang et al., 2024, Plug-and-Play)."""

    name: Literal["ria"] = "ria"
    power: float = 0.5
    """The exponent of the input norms."""


class Search(Model):
    """What is known so far."""

    best_job: UUID | None = None
    """The job that has met it at that sparsity."""

    met: float | None = None
    """The highest sparsity that has met the bound."""

    missed: float | None = None
    """The lowest sparsity that has missed it."""


class SparseGpt(Model):
    """Column by column, each error made good by the columns to its right (arXiv 2301.00774)."""

    columns: int = 128
    """Columns that share one threshold."""

    damping: float = 0.01
    """Added to the diagonal of the second moments, as a part of its mean."""

    name: Literal["sparsegpt"] = "sparsegpt"


class StageEstimate(Model):
    """One stage of the job."""

    memory_bytes: int
    """Of the device that computes, at the stage's peak."""

    name: Literal["resolve", "gradients", "prune", "evaluate", "upload"] | str
    """What a run is doing. `upload` belongs to the service; the library ends after `evaluate`."""

    operations: float
    """Floating-point operations in matrix products."""

    seconds: float


class StageFinished(Model):
    """An attempt finished a stage."""

    attempt: int
    """The attempt that the event belongs to."""

    kind: Literal["stage_finished"]
    peak_memory_bytes: int
    seconds: float
    stage: Literal["resolve", "gradients", "prune", "evaluate", "upload"] | str
    """What a run is doing. `upload` belongs to the service; the library ends after `evaluate`."""


class StageStarted(Model):
    """An attempt began a stage."""

    attempt: int
    """The attempt that the event belongs to."""

    kind: Literal["stage"]
    stage: Literal["resolve", "gradients", "prune", "evaluate", "upload"] | str
    """What a run is doing. `upload` belongs to the service; the library ends after `evaluate`."""

    steps: int
    """Steps of the stage: blocks, or groups of windows."""


class StateChanged(Model):
    """The job moved to another state."""

    attempt: int | None
    """The latest attempt; null before the first."""

    error: JobError | None
    """Why the job failed."""

    kind: Literal["state"]
    reason: str | None
    """Why the job went back to the queue."""

    state: Literal["queued", "running", "cancelling", "succeeded", "failed", "cancelled"] | str
    """Where a job stands. Each state has a column `<state>_at` with the time it was last entered."""

    worker: str | None
    """The worker that claimed the job."""


class StepFinished(Model):
    """A stage made progress. Such events are rate-limited, and deleted some time after the job has ended."""

    attempt: int
    """The attempt that the event belongs to."""

    kind: Literal["progress"]
    memory_bytes: int | None
    """Memory that the job's process holds now."""

    seconds_left: float | None
    """An estimate for the whole job."""

    stage: Literal["resolve", "gradients", "prune", "evaluate", "upload"] | str
    """What a run is doing. `upload` belongs to the service; the library ends after `evaluate`."""

    step: int
    """Finished steps of the stage."""

    steps: int
    """Steps of the stage: blocks, or groups of windows."""


class SweepDetail(Model):
    """A sweep with its jobs; those of a search are its trace."""

    created_at: AwareDatetime
    ended_at: AwareDatetime | None
    error: str | None
    """What has become of it, where it did not succeed."""

    id: UUID
    jobs: list[JobSummary]
    request: dict[str, Any]
    """As it was sent, with a target's defaults filled in."""

    search: Search | None
    """Of a search: what is known so far."""

    state: Literal["running", "succeeded", "failed", "cancelled"] | str
    """Where a sweep stands: running as long as one of its jobs may still be run, or asked for."""


class SweepItem(Model):
    """A sweep as it appears in a list."""

    created_at: AwareDatetime
    ended_at: AwareDatetime | None
    error: str | None
    """What has become of it, where it did not succeed."""

    id: UUID
    request: dict[str, Any]
    """As it was sent, with a target's defaults filled in."""

    search: Search | None
    """Of a search: what is known so far."""

    state: Literal["running", "succeeded", "failed", "cancelled"] | str
    """Where a sweep stands: running as long as one of its jobs may still be run, or asked for."""


class SweepPage(Model):
    """A page of a list."""

    items: list[SweepItem]
    next_cursor: str | None
    """Pass it as `cursor` for the next page; null on the last."""


class SweepRequest(Model):
    """A job, and what is to vary about it, or what is searched for."""

    job: dict[str, Any]
    """The fields of a job (see `POST /v1/jobs`) but those that vary."""

    target: Target | None = None
    """Search for the sparsest model within a bound, one job after the other."""

    vary: Vary | None = None


class Target(Model):
    """The sparsest model whose perplexity is within one bound."""

    highest: float = 0.95
    """The most that is tried for."""

    lowest: float = 0.05
    """The least sparsity that is worth having."""

    max_perplexity: float | None = None
    """At most this."""

    max_perplexity_increase: float | None = None
    """At most this far over the dense model's: 0.05 is 5 %."""

    tolerance: float = 0.02
    """How near to the best sparsity the answer lies, at least."""


class Uniform(Model):
    """Every layer the same sparsity."""

    name: Literal["uniform"] = "uniform"


class UploadItem(Model):
    """An uploaded text."""

    created_at: AwareDatetime
    dataset: str
    """What a job names it by."""

    format: str
    id: UUID
    name: str
    sha256: str
    size: int
    """Bytes."""


class UploadPage(Model):
    """A page of a list."""

    items: list[UploadItem]
    next_cursor: str | None
    """Pass it as `cursor` for the next page; null on the last."""

    quota_bytes: int
    """What they may take."""

    used_bytes: int
    """What all uploads take together."""


class Vary(Model):
    """What differs from job to job. Every combination is a job; an N:M pattern has its own sparsity."""

    method: list[Any] = []
    pattern: list[Any] = []
    sparsity: list[Any] = []


class Verdict(Model):
    """How a job met its gate. Stored with the report, by the worker that made it."""

    conditions: list[Condition]
    state: Literal["passed", "failed"] | str
    """Whether every condition holds."""


class Wanda(Model):
    """|W|·‖X‖₂ per output row (Sun et al., 2023, arXiv 2306.11695)."""

    name: Literal["wanda"] = "wanda"
    selection: Literal["share", "cumulative"] | str = "share"
    """Which weights of a row go: the lowest share, or (unstructured only) those whose scores together make up a part of the row's total, the part chosen per matrix; it may miss the sparsity by more than 0.001."""


class WebhookChange(Model):
    """What to change; what is left out stays."""

    enabled: bool | None = None
    """True sends what was held back since it was disabled."""

    events: list[Literal["job.succeeded", "job.failed", "job.cancelled", "job.gate_failed"] | str] | None = (
        None
    )
    url: str | None = None


class WebhookItem(Model):
    """An endpoint, without its secret."""

    created_at: AwareDatetime
    disabled_reason: str | None
    enabled: bool
    events: list[Literal["job.succeeded", "job.failed", "job.cancelled", "job.gate_failed"] | str]
    failing_since: AwareDatetime | None
    """Null while the last message was taken."""

    id: UUID
    url: str


class WebhookPage(Model):
    """A page of a list."""

    items: list[WebhookItem]
    next_cursor: str | None
    """Pass it as `cursor` for the next page; null on the last."""


class WebhookRequest(Model):
    """Where to send what."""

    events: list[Literal["job.succeeded", "job.failed", "job.cancelled", "job.gate_failed"] | str] = [
        "job.succeeded",
        "job.failed",
        "job.cancelled",
        "job.gate_failed",
    ]
    """What to be told of; everything when left out."""

    url: str
    """https, at a public address unless the operator allows another."""


class WeightedDataset(Model):
    """A dataset, and how much of the calibration set comes from it."""

    dataset: str
    weight: float = 1.0
    """Relative to the weights of the other datasets."""


class ZooDetail(Model):
    """Everything about an entry."""

    evaluation: str
    """The text that the perplexity was measured on."""

    files: list[ZooFile]
    gate: Verdict | None
    lineage: Lineage
    load: str
    """Python that loads the model from a directory with the files."""

    measured_sparsity: float
    """The share of zeros in the pruned layers."""

    method: str
    method_options: dict[str, Any]
    model: str
    """The dense model: a Hub id, or the name of a local directory."""

    note: str
    page: str
    """Of its page."""

    pattern: str
    perplexity: Perplexity
    promoted_at: AwareDatetime
    promoted_by: str
    size: int
    """Bytes of all files."""

    slug: str
    sparsity: float
    """As asked for."""

    url: str
    """Of its facts, relative to this service."""


class ZooFile(Model):
    """One file of the pruned model."""

    id: UUID
    name: str
    sha256: str
    size: int
    """Bytes."""

    url: str
    """Where its content is, relative to this service."""


class ZooItem(Model):
    """An entry as it appears in the list."""

    gate: Verdict | None
    method: str
    model: str
    """The dense model: a Hub id, or the name of a local directory."""

    note: str
    page: str
    """Of its page."""

    pattern: str
    perplexity: Perplexity
    promoted_at: AwareDatetime
    promoted_by: str
    size: int
    """Bytes of all files."""

    slug: str
    sparsity: float
    """As asked for."""

    url: str
    """Of its facts, relative to this service."""


class ZooPage(Model):
    """A page of the zoo."""

    items: list[ZooItem]
    next_cursor: str | None
    """Pass it as `cursor` for the next page; null on the last."""
