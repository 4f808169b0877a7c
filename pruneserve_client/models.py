"""The models of the REST API. Generated from its OpenAPI document by `make client`; do not edit."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from pruneserve_client.base import EventModel, JobModel, Model


class Admm(Model):
    """ADMM search for the support with the least reconstruction error (ALPS, arXiv 2406.07831)."""

    name: Literal["admm"] = "admm"
    """Says which of the variants this is."""

    ridge: float = 0.0
    """Ridge regularisation: this times inputs ÷ tokens, as a share of it, is added to each number on the second moments' diagonal. It avoids overfitting small calibration sets."""


class AllocationOptions(Model):
    """
    Options of an allocation. `implementation` names its function; see `pruning.methods.allocation`.

    Attributes
    ----------
    needs
        What must be measured on the dense model before the sparsities can be set.
    """

    name: str
    """The name in a recipe."""


class ArtifactItem(Model):
    """A file that a job has produced."""

    id: UUID
    """Identifies the file within the service."""

    name: str
    """Relative path of the file within the model's directory."""

    size: int
    """Size in bytes."""

    sha256: str
    """SHA-256 of the content, in hexadecimal."""

    stored_size: int | None = None
    """Bytes in the store, and of a download with `Accept-Encoding: zstd`; null if kept plain."""

    created_at: AwareDatetime
    """When the job succeeded and the file was published."""

    url: str
    """Where to download the content, relative to this service."""


class ArtifactList(Model):
    """The files of a job."""

    items: list[ArtifactItem]
    """All files, ordered by name."""


class Attempt(Model):
    """One attempt of a worker to run the job."""

    attempt: int
    """Counts from 1."""

    started_at: AwareDatetime
    """When the worker took the job."""

    ended_at: AwareDatetime | None
    """When the attempt ended; null while it runs."""

    outcome: (
        Literal["succeeded", "failed", "cancelled", "handed_back", "lost", "worker_fault", "unreachable"]
        | str
        | None
    )
    """How the attempt ended; null while it runs."""

    reason: str | None
    """Why it ended that way, where there is more to say."""


class AuditItem(Model):
    """Who did what, when, and from where."""

    id: UUID
    """Identifies the record."""

    at: AwareDatetime
    """When it happened."""

    action: (
        Literal[
            "key.created",
            "key.revoked",
            "sign-in.failed",
            "sign-in.succeeded",
            "others.read",
            "others.changed",
            "zoo.promoted",
            "zoo.withdrawn",
            "webhook.created",
            "webhook.changed",
            "webhook.deleted",
            "worker.cordoned",
            "worker.uncordoned",
            "worker.drained",
            "queue.paused",
            "queue.resumed",
            "share.changed",
        ]
        | str
    )
    """What was done."""

    owner: str | None
    """Who did it; null where the request was not authenticated."""

    key_id: UUID | None
    """With which key; null where the request was not authenticated."""

    address: str
    """The address that the request came from."""

    subject: str
    """To what it was done, or the request."""

    subject_owner: str | None
    """Whose that is; null where it has no owner."""


class AuditPage(Model):
    """A page of the audit log, newest first."""

    items: list[AuditItem]
    """At most `limit` items."""

    next_cursor: str | None
    """Send it as `cursor` to get the next page; null on the last page."""


class BlockUnits(Model):
    """The units of one kind that are left in one block."""

    block: int
    """The decoder block, counted from 0."""

    kind: Literal["mlp_channels", "experts", "kv_heads"] | str
    """What the units are."""

    kept: str
    """The numbers of the units that are left, counted from 0 in the dense block, as runs such as `0-5,7,9-12`. Channels of experts are counted expert by expert."""


class Calibration(Model):
    """The token windows on which activations and gradients are measured. The defaults are the reference's."""

    dataset: str | None = "c4"
    """A dataset by name, a file's path, or an upload; several go into `datasets`."""

    datasets: list[WeightedDataset] = Field(default=[], validate_default=True)
    """Several datasets by weight, in place of `dataset`."""

    samples: int = 128
    """The number of token windows."""

    sequence_length: int | None = None
    """Tokens per window. When left out: those of a .npy file, else min(2048, the model's context), which is also what an estimate takes: it does not read the file."""

    seed: int = 0
    """Decides which windows are drawn."""

    add_bos_token: bool = False
    """Begin each window with the token that the model's tokenizer puts before a text; its length includes it. Gemma's models read texts badly without it. A recovery's text begins so too."""


class CalibrationFacts(Model):
    """The token windows on which activations and gradients were measured."""

    sets: list[DatasetFacts]
    """The datasets, in the order of their windows."""

    windows: int
    """Number of windows in all."""

    sequence_length: int
    """Number of tokens per window."""

    tokens: int
    """Number of tokens in all windows."""

    fingerprint: str
    """SHA-256 over the token ids of all sets."""


class Capacity(Model):
    """What a worker has for a job, as it found it when it started, or its disk since."""

    gpus: int = 0
    """GPUs that share a job; 0 for a worker that computes on its CPU."""

    device_bytes: int = 0
    """Free memory of each GPU; of several, of the smallest."""

    host_bytes: int
    """Memory of the host that a job's processes may hold."""

    scratch_bytes: int
    """Room on the scratch disk."""


class ChangedCondition(Model):
    """One of the conditions that decide the last bits of a computation, and that is not what it was."""

    name: str
    """What has changed, such as `device`, `threads`, `torch`, `micro_batch`, or `numerics`: the version of PruneServe's numbers."""

    before: str
    """What it was when the blocks were finished."""

    now: str
    """What it is in this attempt."""


class ChannelOrderFacts(Model):
    """The channels of one kind in one block that were put in another order."""

    block: int
    """The decoder block, counted from 0."""

    kind: Literal["value_channels", "mlp_channels"] | str
    """What the channels are."""

    order: str
    """The numbers that the channels have in the dense block, in their new order, separated by commas: of the MLP's channels, or of the values' outputs, head after head."""

    kept_before: float
    """The share of the scores of the layer that reads them which the pattern keeps in the dense model's order."""

    kept_after: float
    """The same in the new order."""


class CompleteRequest(Model):
    """The request for a job with every default filled in: `POST /v1/jobs` takes it as it is."""

    model: ModelReference
    """The dense model, by id or with a revision."""

    structure: StructureOptions | None = None
    """Which units are taken out of the model, before a method masks what is left."""

    norms: list[Literal["l1", "l2"] | str] = []
    """Gradient norms to compute and keep, for later jobs: `l1`, `l2` or both. Nothing is pruned then, so method and structure are left out."""

    method: (
        NoPruning | Magnitude | Wanda | Gradient | Gblm | Ria | SparseGpt | Admm | dict[str, Any] | None
    ) = None
    """How weights are scored, by the method's name or with its options. Without one nothing is masked, and `structure` or `norms` is required."""

    pattern: str = "unstructured"
    """Where zeros may lie: anywhere, or N:M: at most N non-zero of M consecutive weights."""

    sparsity: float | None = None
    """The share of zeros in the pruned layers. An N:M pattern implies it: 1 - N/M. 0 without a method."""

    permute: bool = False
    """For an N:M pattern: put MLP channels, and the channels of each value head, in an order in which the pattern keeps more, before a block's masks are chosen. The dense model computes the same in any order; the pruned one is written in the new order."""

    allocation: Uniform | Owl | GradientGuided | dict[str, Any] | None = None
    """How the sparsity is spread over the layers. By default `{"name": "uniform"}`."""

    layers: LayerSelection | None = None
    """Which layers are pruned. By default `{"include": [], "exclude": []}`."""

    refit: RefitOptions | None = None
    """Whether to solve for the kept weights again after pruning."""

    swaps: int | None = None
    """Exchange kept for pruned weights of a row while that lowers the error of its outputs, at most so many times in a row, such as 1000. No weight gets a new value. No swaps when left out."""

    order: Literal["blocks", "layers"] | str = "blocks"
    """What has been pruned when a layer's inputs are measured: `blocks`, the earlier blocks (as in the reference); or `layers`, the earlier layers of its own block too."""

    gradients: str | None = None
    """Gradient norms of the same weights to use instead of computing them: `gradient:<id>` of a gradient job, `upload:<id>`, or the path of a file that an earlier run saved."""

    calibration: Calibration | None = None
    """The text on which activations and gradients are measured. By default `{"dataset": "c4", "datasets": [], "samples": 128, "seed": 0, "add_bos_token": false}`."""

    dtype: Literal["auto", "float64", "float32", "bfloat16", "float16"] | str = "auto"
    """The precision of the computation, not of the saved weights; weights that a method solves for are rounded to it."""

    recovery: RecoveryOptions | None = None
    """Whether kept weights are trained after pruning, and how."""

    evaluation: Evaluation | None = None
    """How the quality of the model is measured. By default `{"dataset": "wikitext2", "domains": {}, "add_bos_token": false, "tasks": [], "speed": "auto"}`."""

    save_masks: bool = False
    """Also keep the masks, as an artifact of their own."""

    exports: list[GgufExport | CompressedTensorsExport | MaskExport | dict[str, Any]] = Field(
        default=[], validate_default=True
    )
    """Files of the result in the formats that engines serve, each measured as that file; or its mask."""

    gate: Gate | None = None
    """What the result must reach for the job to be called passed."""

    stop_when_missed: bool = False
    """End the evaluation as soon as the gate's perplexity is certain to be missed (not for a gate on an export, nor for an increase over a baseline), and keep nothing but the report of a model that misses its gate, as the measured values say."""

    name: str | None = None
    """A display name. It need not be unique."""

    timeout_seconds: float | None = None
    """Seconds on workers, in all attempts, after which the job fails. No job runs longer than 7 days."""

    resources: ResourceRequest | None = None
    """What the job needs of its worker, where the service's estimate is wrong."""

    labels: dict[str, str] | None = None
    """Names and values of your own, to find the job by. By default `{}`."""

    priority: int = 0
    """Your queued job with the highest priority runs first. It orders your own jobs only."""


class CompressedTensorsExport(Model):
    """A checkpoint in the format compressed-tensors, which vLLM and transformers load."""

    format: Literal["compressed-tensors"]
    """The format."""

    scheme: Literal["fp8", "w4a16"] | str
    """`fp8`: weights in E4M3 with a scale per row, activations rounded as they come. `w4a16`: INT4 weights with a scale per group of a row."""

    group_size: Literal[64, 128] | int | None = None
    """Of `w4a16`, 64 by default: weights that share a scale; it must divide every row. Not allowed with `fp8`, whose scales are those of whole rows."""


class Condition(Model):
    """One condition of a gate, and the measured value."""

    name: str
    """The gate's field, with the name of the domain or the task that it is on."""

    limit: float
    """The limit that the gate sets."""

    measured: float | None
    """Null where it is not finite, or was not measured."""

    margin: float | None
    """How far the measured value lies on the good side of the limit; negative on the other; null where `measured` is."""

    state: Literal["passed", "failed", "inconclusive"] | str
    """`inconclusive` if the limit lies inside the interval; otherwise `passed` or `failed`, by the margin."""

    interval: Interval | None = None
    """95 % confidence interval of the measured value. Without one the measured value decides."""

    required_sample: int | None = None
    """About how many windows, or examples of a task, would decide an inconclusive condition. Null for one that is decided, and where 100,000 would not decide."""


class DatasetFacts(Model):
    """The windows that came from one dataset."""

    dataset: str
    """The dataset, as the recipe names it."""

    weight: float
    """The weight that the recipe gives it, relative to the other datasets'."""

    windows: int
    """Number of windows from this dataset."""

    fingerprint: str
    """SHA-256 over the token ids."""

    notes: list[str]
    """How the windows were drawn, where they were not drawn in the usual way."""


class DeliveryItem(Model):
    """A message to a webhook, and its delivery so far."""

    id: UUID
    """Identifies the message. Every attempt sends `webhook-id`: `msg_` and this id's hexadecimal digits."""

    event: str
    """The event that the message reports."""

    state: Literal["pending", "delivered", "failed"] | str
    """`pending` while attempts are left; `failed` after the last one failed."""

    attempts: int
    """How many attempts were made."""

    next_attempt_at: AwareDatetime | None
    """When the next attempt is due; null if none is."""

    last_attempt_at: AwareDatetime | None
    """When the last attempt was made."""

    last_status: int | None
    """HTTP status of the last attempt; null without an answer."""

    last_error: str | None
    """Why the last attempt failed; null if it did not."""

    delivered_at: AwareDatetime | None
    """When the endpoint accepted the message."""

    created_at: AwareDatetime
    """When the event happened."""


class DeliveryPage(Model):
    """A page of the messages to a webhook, newest first."""

    items: list[DeliveryItem]
    """At most `limit` items."""

    next_cursor: str | None
    """Send it as `cursor` to get the next page; null on the last page."""


class DistilOptions(Model):
    """
    Train the whole pruned model towards the dense model's output: its kept weights and norms, or all that
    is left of it where the recipe has a structure. What is masked stays zero.
    """

    dataset: str | None = None
    """The text to train on, with articles; the calibration's when left out."""

    tokens: int = 131072
    """Tokens to train on, each once, in windows of the calibration's length."""

    tokens_per_step: int = 512
    """Tokens of one optimiser step; at least one window."""

    state: Literal["auto", "float32", "8-bit", "bfloat16"] | str = "auto"
    """How the weights that are trained and Adam's running means are kept: both in float32 (14 bytes a weight where the model computes in bfloat16); the means in 8 bits (6 bytes, and a step of the optimiser takes several times as long); or weights in bfloat16 as well, rounded stochastically (4 bytes). `auto`: the first of them that fits the device."""


class DomainLimits(Model):
    """Conditions on what was measured on the text of one domain."""

    max_perplexity_increase: float | None = None
    """How far the perplexity may lie over the dense model's or the baseline's, relative to that."""

    max_kl: float | None = None
    """How far the predictions may lie from the dense model's, in nats."""


class Environment(Model):
    """The environment of the run. Equal recipes give equal results on the same kind of device."""

    python: str
    """Version of Python."""

    torch: str
    """Version of PyTorch."""

    transformers: str
    """Version of transformers."""

    pruneserve: str
    """Version of PruneServe."""

    device: str
    """`cpu`, or the CUDA device with its name; several are separated by `, `."""

    dtype: str
    """Dtype of the computation; sums are float32 at least."""

    threads: int
    """Threads that computed on the CPU."""

    attention: str
    """The attention implementation."""

    schedule: Literal["whole", "streamed"] | str | None = None
    """Schedule of the gradients; null where none were computed."""

    micro_batch: int | None = None
    """Windows that shared a pass for the gradients."""

    deterministic: bool | None = None
    """Whether another computation of the gradients here gives the same bits; null where none were computed."""


class Estimate(Model):
    """What the job will take, on the workers of the smallest queue that it fits."""

    model: ModelEstimate
    """What the config says about the model."""

    machine: Machine
    """The machine that the estimate is for."""

    dtype: str
    """The dtype of the computation."""

    schedule: Literal["whole", "streamed"] | str | None
    """The schedule of the gradient pass; null for a job without one."""

    stages: list[StageEstimate]
    """Each stage of the job, in order."""

    output_bytes: int
    """Size of the pruned model's weights, of its exports, and of the masks if they are saved; of the norms for a gradient job."""

    notes: list[str]
    """What the figures leave out or assume."""

    seconds: float
    """Time that all stages take."""

    memory_bytes: int
    """The largest peak memory of all stages."""

    needs: Needs | None = None
    """The least that the job needs of a worker."""

    queue: str | None = None
    """The smallest queue of connected workers that the job fits; null where it fits none."""

    queues: list[QueueEstimate] = Field(default=[], validate_default=True)
    """Every queue of connected workers, the smallest first."""


class Evaluation(Model):
    """Perplexity over windows of text that do not overlap, as in the reference."""

    dataset: str = "wikitext2"
    """The text of the perplexity; it should not be the calibration text."""

    domains: dict[str, str] | None = None
    """A text for each domain, by a name of your choice: the report has perplexity, KL and agreement on each, and `gate.domains` may limit them. By default `{}`."""

    sequence_length: int | None = None
    """Tokens per window. When left out: those of a .npy file, else min(2048, the model's context), which is also what an estimate takes: it does not read the file."""

    windows: int | None = None
    """Only the first windows of each text; all when left out. A domain's text may have fewer."""

    add_bos_token: bool = False
    """Begin each window with the token that the model's tokenizer puts before a text, as calibration.add_bos_token does."""

    tasks: list[str] = []
    """Zero-shot tasks of lm-evaluation-harness, or of the operator's own, such as hellaswag."""

    task_limit: int | None = None
    """Only the first examples of each task, up to this number; all when left out."""

    speed: Literal["auto", "on", "off"] | str = "auto"
    """Whether to measure tokens per second and peak memory on the worker, the dense model next to the result: `on`, `off`, or `auto`: of a smaller model (`structure`) only, because zeros alone make nothing faster."""


class Event(EventModel):
    """An event as it was recorded. Readers resume after the id of the last one that they saw."""

    id: int
    """Counts from 1 within the job, without gaps."""

    at: AwareDatetime
    """When it was recorded."""

    data: (
        StateChanged
        | StageStarted
        | StepFinished
        | StageFinished
        | StageRestarted
        | LogMessage
        | dict[str, Any]
    )
    """What happened; `kind` says which event it is."""


class EventList(Model):
    """Events of a job, oldest first."""

    items: list[Event]
    """At most 500 events."""

    next_after: int
    """Send it as `after` to get the events that follow."""


class ExpertTokensFacts(Model):
    """How many calibration tokens the router of one block gave to each expert."""

    block: int
    """The decoder block, counted from 0; in the cut, among those left then."""

    tokens: list[list[int]]
    """For each dataset of `calibration.sets`, the tokens of each expert, in their order."""


class ExportFacts(Model):
    """One exported file or directory. It was measured as it will be served, or `evaluator` says how."""

    name: str
    """The format and its type, such as `gguf:Q4_K_M`."""

    path: str
    """The file or the directory, relative to the result's."""

    bytes: int
    """Size of the file, or of the weight files in the directory."""

    dense_bytes: int
    """Size of the dense model in 16 bits, in the same format."""

    sha256: str | None = None
    """SHA-256 of the file; null for a directory."""

    evaluator: str
    """What computed with the file."""

    perplexity: float
    """Perplexity of the exported file."""

    dense_perplexity: float
    """That of the dense model, by the same evaluator."""

    kl: float | None
    """The mean of KL(dense ‖ exported) over the predicted tokens, in nats; null where it cannot be computed."""

    agreement: float | None
    """The share of predicted tokens for which both find the same one most probable."""

    intervals: Intervals | None = None
    """95 % confidence intervals; null for fewer than 8 windows."""

    window_losses: list[float] = []
    """Mean loss of each window, in nats; none for more than 10,000, and in the public report of a zoo entry."""

    windows: int
    """Number of windows that were measured."""

    sequence_length: int
    """Number of tokens per window."""

    rates: list[ExportRateFacts] = Field(default=[], validate_default=True)
    """Speed; none where it was not measured."""

    types: dict[str, int] | None = None
    """Number of tensors by the type that they really have, for a GGUF file. By default `{}`."""

    warnings: list[str] = []
    """What the reader should know of this file."""

    increase: float
    """Relative increase of the perplexity: 0.1 means 10 % above the dense one."""


class ExportItem(Model):
    """An exported file or directory as it appears in a list; the report has everything that was measured."""

    name: str
    """The format and its type, such as `gguf:Q4_K_M`."""

    path: str
    """The file or the directory, relative to the result's."""

    bytes: int
    """Size of the file, or of the weight files in the directory."""

    dense_bytes: int
    """Size of the dense model in 16 bits, in the same format."""

    perplexity: float
    """Perplexity of the exported file."""

    dense_perplexity: float
    """That of the dense model, by the same evaluator."""

    kl: float | None
    """KL(dense ‖ exported) per predicted token; null where not known."""

    agreement: float | None
    """How often both find the same token most probable."""

    intervals: Intervals | None = None
    """95 % confidence intervals; null for fewer than 8 windows."""


class ExportRateFacts(Model):
    """Tokens per second of an exported file in one phase, by the engine that serves it."""

    phase: Literal["prefill", "decode"] | str
    """`prefill` reads a prompt; `decode` adds one token after the other to it."""

    tokens_per_second: float
    """Median of the exported file, one sequence."""

    dense: float
    """Median of the dense model in 16 bits, in turns with it."""

    noise: float
    """The range of the runs as a share of the median; the larger of the two."""


class FieldError(Model):
    """A field of the request that cannot be accepted."""

    field: str
    """Dotted path in the body, or a parameter's name."""

    message: str
    """What is wrong with its value."""

    value: str | None = None
    """The value that was sent, for display: as JSON, of a long text the beginning, of a list the number of its items. Left out where there is none, for objects, and for what is secret."""


class FoundFile(Model):
    """One exported file of a search."""

    job_id: UUID
    """The job that has exported it."""

    name: str
    """The export's name, such as `gguf:Q4_K_M`."""

    bytes: int
    """Size of the file."""

    kl: float
    """The mean of KL(dense ‖ exported) over the predicted tokens, in nats."""

    perplexity: float
    """Perplexity of the file."""

    on_front: bool
    """Whether no other file is smaller and as good, or as small and better."""


class Gate(Model):
    """Conditions on the measured quality. They are not part of the recipe, since they change no weight."""

    export: str | None = None
    """The export that the conditions are on, by its name, such as `gguf:Q4_K_M`; dense is the dense model in 16 bits, by the same evaluator. The pruned model when left out."""

    baseline: str | None = None
    """What perplexity and scores are compared with in place of the dense model: one of your jobs by its id, or as `name=value` the job with this label that was the last to pass its gate. It must have pruned the same model and measured the same windows."""

    max_perplexity: float | None = None
    """The pruned model's perplexity on evaluation.dataset, at most."""

    max_perplexity_increase: float | None = None
    """How far the perplexity may lie over the dense model's or the baseline's, relative to that: 0.05 is 5 %."""

    max_kl: float | None = None
    """How far the predictions may lie from the dense model's: the mean of KL(dense ‖ pruned) over the predicted tokens of evaluation.dataset, in nats."""

    domains: dict[str, DomainLimits] | None = None
    """Conditions by domain; each must be in evaluation.domains. By default `{}`."""

    max_bytes: int | None = None
    """Size of the pruned model's weight files, at most."""

    max_parameters: int | None = None
    """Number of parameters of the pruned model, at most."""

    max_memory_bytes: int | None = None
    """The pruned model's peak memory at the largest batch that its speed is measured with, at most. It is measured where the speed is (`evaluation.speed`)."""

    min_speedup: float | None = None
    """How many times as fast as the dense model the pruned one is, at least: the lower of the speed-ups of prefill and decode of one sequence, as the worker measures them. 1 for a mask whose speed is not measured, and where the noise exceeds the gain."""

    min_score: dict[str, float] | None = None
    """The pruned model's score, at least, in tasks of evaluation.tasks: its accuracy (`acc`), or the first metric of a task without one. By default `{}`."""

    max_score_drop: dict[str, float] | None = None
    """How far the score in a task of evaluation.tasks may lie below the dense model's, or the baseline's: 0.01 is a hundredth of a score of 1. By default `{}`."""


class Gblm(Model):
    """|W|·‖X‖₂ + |W|·‖α·G‖ per output row (Das et al., 2023, arXiv 2311.04902)."""

    name: Literal["gblm"] = "gblm"
    """Says which of the variants this is."""

    norm: Literal["l1", "l2"] | str = "l1"
    """The norm over calibration windows; the published figures are L1's."""

    alpha: float = 100.0
    """The scale of the gradients; the paper uses 100."""

    inverse: bool = False
    """Divide by the gradients instead of multiplying: the reference's inverse-gradient score."""

    selection: Literal["share", "cumulative"] | str = "share"
    """Which weights of a row are pruned: `share`, the lowest-scored share of the row; or `cumulative` (unstructured only), the lowest scores that together make up a part of the row's total. The part is chosen per matrix, and may miss the sparsity by more than 0.001."""


class GgufExport(Model):
    """A GGUF file, which llama.cpp and what is built on it serve."""

    format: Literal["gguf"] = "gguf"
    """The format."""

    type: str
    """A type of llama.cpp's, such as Q8_0 or Q4_K_M."""

    importance: Literal["activations", "gradients"] | str = "activations"
    """What the calibration windows say of each input of a layer, by which a type of fewer than 8 bits is rounded: `activations`, its mean square; `gradients`, the squared gradients of its weights, which take about three times as long."""


class Gradient(Model):
    """|W|·‖G‖ per output row, G the loss gradients over the calibration windows (arXiv 2311.04902)."""

    name: Literal["gradient"] = "gradient"
    """Says which of the variants this is."""

    norm: Literal["l1", "l2"] | str = "l1"
    """The norm over calibration windows."""

    inverse: bool = False
    """Divide by the gradients instead of multiplying: the reference's inverse-gradient score."""


class GradientGuided(Model):
    """More sparsity for the layers with more weights of low saliency |W|·‖G‖₂."""

    name: Literal["gradient"] = "gradient"
    """Says which of the variants this is."""

    band: float = 0.25
    """The largest difference between a layer's sparsity and the recipe's."""


class Health(Model):
    """The answer of a probe that passes."""

    status: Literal["ok"]
    """Always `ok`: a probe that fails answers with a problem."""


class Interval(Model):
    """A 95 % confidence interval: where the figure is for such text in general, as far as windows tell."""

    low: float
    """The lower end."""

    high: float
    """The upper end."""


class Intervals(Model):
    """95 % confidence intervals of what was measured on one text, by a bootstrap of its windows."""

    perplexity: Interval
    """Of the perplexity of the result."""

    increase: Interval
    """Of the relative increase of the perplexity: the models are compared window by window."""

    kl: Interval | None
    """Of the KL divergence; null where `kl` is."""

    agreement: Interval | None
    """Of the agreement; null where `agreement` is."""


class JobDetail(JobModel):
    """Everything about one job."""

    id: UUID
    """Identifies the job."""

    name: str | None = None
    """The display name that the request gave it."""

    state: Literal["queued", "running", "cancelling", "succeeded", "failed", "cancelled"] | str
    """The current state."""

    model: str
    """The dense model: a Hub id or a path."""

    method: str
    """The name of the pruning method, or of the preset, `best` or `recovered`, whose options the job has; `structure` for a job that masks nothing, `norms` for one that computes gradient norms."""

    pattern: str
    """`unstructured`, or an N:M pattern such as `2:4`."""

    sparsity: float
    """The requested share of zeros in the pruned layers."""

    measured_sparsity: float | None
    """The measured share of zeros in the pruned layers; null before the job has succeeded."""

    parameters: int | None = None
    """Parameters of the pruned model, zeros included; null before it has succeeded."""

    weight_bytes: int | None = None
    """Size of its weight files; null before the job has succeeded."""

    stored_weight_bytes: int | None = None
    """What its weight files take in the store, compressed where that is worth it: by this, masks and smaller models are compared. Null where they are not kept."""

    speedup: float | None = None
    """How many times as fast as the dense model it is; 1 for a mask that was not measured, null where nothing is known."""

    exports: list[ExportItem] = Field(default=[], validate_default=True)
    """The files for engines, each measured as that file; empty before it has succeeded."""

    attempt: int
    """How often a worker has started the job; 0 before the first time."""

    priority: int = 0
    """Your queued job with the highest priority runs first."""

    waiting: Waiting | None
    """Why the job waits; null unless it is queued, or runs and waits for the store."""

    progress: Progress | None
    """How far the job has come; null before it first runs."""

    perplexity: Perplexity | None
    """Both perplexities; null before the job has succeeded."""

    gate: Verdict | None
    """How the job met its gate; set once a job with a gate succeeded."""

    error: JobError | None
    """Why the job failed; null if it did not."""

    labels: dict[str, str]
    """The labels of the request."""

    created_at: AwareDatetime
    """When the job was submitted."""

    queued_at: AwareDatetime
    """When the job was last put into the queue."""

    running_at: AwareDatetime | None
    """When a worker last started the job."""

    cancelling_at: AwareDatetime | None
    """When its worker was asked to stop."""

    succeeded_at: AwareDatetime | None
    """When the job succeeded."""

    failed_at: AwareDatetime | None
    """When the job last failed."""

    cancelled_at: AwareDatetime | None
    """When the job was last cancelled."""

    artifacts_expired_at: AwareDatetime | None
    """When the job's files were deleted."""

    spec: CompleteRequest
    """The request with every default filled in: sent as it is, it submits the job again."""

    queue: str | None = None
    """The queue of the worker that has claimed the job last; null before one has."""

    needs: Needs | None = None
    """What the job needs of a worker; null while that is not known."""

    recipe_fingerprint: str
    """Jobs with equal fingerprints produce equal results."""

    attempts: list[Attempt]
    """Every attempt to run the job, first to last."""

    report: Report | dict[str, Any] | None
    """What was measured; set once the job has succeeded."""


class JobError(Model):
    """Why a job failed, and what to do about it."""

    type: str
    """What went wrong, for programs."""

    message: str
    """What went wrong and what to do."""

    field: str | None = None
    """The field of the request that caused it, if one did."""

    cause: Literal["request", "outside", "worker"] | str | None = None
    """What it is of: the request, something outside (the Hub, the store), or the worker. Null for a job whose process was lost."""


class JobInMessage(Model):
    """A job that has started or ended: what decides whether to read all of it."""

    id: UUID
    """Identifies the job."""

    url: str
    """Where to read the job over REST."""

    page: str
    """Address of its page."""

    state: Literal["queued", "running", "cancelling", "succeeded", "failed", "cancelled"] | str
    """How it ended, or `running`."""

    model: str
    """The dense model: a Hub id or a path."""

    method: str
    """The name of the pruning method."""

    pattern: str
    """`unstructured`, or an N:M pattern such as `2:4`."""

    sparsity: float
    """The requested share of zeros in the pruned layers."""

    labels: dict[str, str]
    """The labels of the request."""

    attempt: int
    """How often a worker has started the job."""

    perplexity: Perplexity | None
    """Both perplexities; null unless the job succeeded."""

    gate: Verdict | None
    """How the job met its gate, if it has one and succeeded."""

    error: JobError | None
    """Why the job failed; null if it did not."""


class JobMessage(Model):
    """The body of a message about a job that has started or ended."""

    type: Literal["job.started", "job.succeeded", "job.failed", "job.cancelled", "job.gate_not_passed"] | str
    """What happened."""

    timestamp: AwareDatetime
    """When the job started or ended."""

    data: JobInMessage
    """The job."""


class JobPage(Model):
    """A page of your jobs, newest first."""

    items: list[JobSummary]
    """At most `limit` items."""

    next_cursor: str | None
    """Send it as `cursor` to get the next page; null on the last page."""


class JobRequest(Model):
    """What to prune and how. Model, method and sparsity are enough: every other field has a default."""

    model: str | ModelReference
    """The dense model, by id or with a revision."""

    structure: StructureOptions | None = None
    """Which units are taken out of the model, before a method masks what is left."""

    norms: list[Literal["l1", "l2"] | str] = []
    """Gradient norms to compute and keep, for later jobs: `l1`, `l2` or both. Nothing is pruned then, so method and structure are left out."""

    method: str | NoPruning | Magnitude | Wanda | Gradient | Gblm | Ria | SparseGpt | Admm | None = None
    """How weights are scored, by the method's name or with its options. Without one nothing is masked, and `structure` or `norms` is required."""

    pattern: str = "unstructured"
    """Where zeros may lie: anywhere, or N:M: at most N non-zero of M consecutive weights."""

    sparsity: float | None = None
    """The share of zeros in the pruned layers. An N:M pattern implies it: 1 - N/M. 0 without a method."""

    permute: bool = False
    """For an N:M pattern: put MLP channels, and the channels of each value head, in an order in which the pattern keeps more, before a block's masks are chosen. The dense model computes the same in any order; the pruned one is written in the new order."""

    allocation: str | Uniform | Owl | GradientGuided | None = None
    """How the sparsity is spread over the layers. By default `{"name": "uniform"}`."""

    layers: LayerSelection | None = None
    """Which layers are pruned. By default `{"include": [], "exclude": []}`."""

    refit: bool | RefitOptions | None = None
    """Whether to solve for the kept weights again after pruning."""

    swaps: int | None = None
    """Exchange kept for pruned weights of a row while that lowers the error of its outputs, at most so many times in a row, such as 1000. No weight gets a new value. No swaps when left out."""

    order: Literal["blocks", "layers"] | str = "blocks"
    """What has been pruned when a layer's inputs are measured: `blocks`, the earlier blocks (as in the reference); or `layers`, the earlier layers of its own block too."""

    gradients: str | None = None
    """Gradient norms of the same weights to use instead of computing them: `gradient:<id>` of a gradient job, `upload:<id>`, or the path of a file that an earlier run saved."""

    calibration: Calibration | None = None
    """The text on which activations and gradients are measured. By default `{"dataset": "c4", "datasets": [], "samples": 128, "seed": 0, "add_bos_token": false}`."""

    dtype: Literal["auto", "float64", "float32", "bfloat16", "float16"] | str = "auto"
    """The precision of the computation, not of the saved weights; weights that a method solves for are rounded to it."""

    recovery: RecoveryOptions | None = None
    """Whether kept weights are trained after pruning, and how."""

    evaluation: Evaluation | None = None
    """How the quality of the model is measured. By default `{"dataset": "wikitext2", "domains": {}, "add_bos_token": false, "tasks": [], "speed": "auto"}`."""

    save_masks: bool = False
    """Also keep the masks, as an artifact of their own."""

    exports: list[GgufExport | CompressedTensorsExport | MaskExport | str] = Field(
        default=[], validate_default=True
    )
    """Files of the result in the formats that engines serve, each measured as that file; or its mask."""

    gate: Gate | None = None
    """What the result must reach for the job to be called passed."""

    stop_when_missed: bool = False
    """End the evaluation as soon as the gate's perplexity is certain to be missed (not for a gate on an export, nor for an increase over a baseline), and keep nothing but the report of a model that misses its gate, as the measured values say."""

    name: str | None = None
    """A display name. It need not be unique."""

    timeout_seconds: float | None = None
    """Seconds on workers, in all attempts, after which the job fails. No job runs longer than 7 days."""

    resources: ResourceRequest | None = None
    """What the job needs of its worker, where the service's estimate is wrong."""

    labels: dict[str, str] | None = None
    """Names and values of your own, to find the job by. By default `{}`."""

    priority: int = 0
    """Your queued job with the highest priority runs first. It orders your own jobs only."""


class JobSummary(JobModel):
    """A job as it appears in a list."""

    id: UUID
    """Identifies the job."""

    name: str | None = None
    """The display name that the request gave it."""

    state: Literal["queued", "running", "cancelling", "succeeded", "failed", "cancelled"] | str
    """The current state."""

    model: str
    """The dense model: a Hub id or a path."""

    method: str
    """The name of the pruning method, or of the preset, `best` or `recovered`, whose options the job has; `structure` for a job that masks nothing, `norms` for one that computes gradient norms."""

    pattern: str
    """`unstructured`, or an N:M pattern such as `2:4`."""

    sparsity: float
    """The requested share of zeros in the pruned layers."""

    measured_sparsity: float | None
    """The measured share of zeros in the pruned layers; null before the job has succeeded."""

    parameters: int | None = None
    """Parameters of the pruned model, zeros included; null before it has succeeded."""

    weight_bytes: int | None = None
    """Size of its weight files; null before the job has succeeded."""

    stored_weight_bytes: int | None = None
    """What its weight files take in the store, compressed where that is worth it: by this, masks and smaller models are compared. Null where they are not kept."""

    speedup: float | None = None
    """How many times as fast as the dense model it is; 1 for a mask that was not measured, null where nothing is known."""

    exports: list[ExportItem] = Field(default=[], validate_default=True)
    """The files for engines, each measured as that file; empty before it has succeeded."""

    attempt: int
    """How often a worker has started the job; 0 before the first time."""

    priority: int = 0
    """Your queued job with the highest priority runs first."""

    waiting: Waiting | None
    """Why the job waits; null unless it is queued, or runs and waits for the store."""

    progress: Progress | None
    """How far the job has come; null before it first runs."""

    perplexity: Perplexity | None
    """Both perplexities; null before the job has succeeded."""

    gate: Verdict | None
    """How the job met its gate; set once a job with a gate succeeded."""

    error: JobError | None
    """Why the job failed; null if it did not."""

    labels: dict[str, str]
    """The labels of the request."""

    created_at: AwareDatetime
    """When the job was submitted."""

    queued_at: AwareDatetime
    """When the job was last put into the queue."""

    running_at: AwareDatetime | None
    """When a worker last started the job."""

    cancelling_at: AwareDatetime | None
    """When its worker was asked to stop."""

    succeeded_at: AwareDatetime | None
    """When the job succeeded."""

    failed_at: AwareDatetime | None
    """When the job last failed."""

    cancelled_at: AwareDatetime | None
    """When the job was last cancelled."""

    artifacts_expired_at: AwareDatetime | None
    """When the job's files were deleted."""


class JudgementFacts(Model):
    """The state of a training after one of its steps."""

    step: int
    """The optimiser step; 0 is before the training."""

    tokens: int
    """Tokens trained on so far."""

    training_loss: float | None
    """Mean loss of the steps since the last judgement, in nats; null before the first step."""

    held_out_loss: float
    """Loss on the held-out windows, in nats, with weights rounded to the checkpoint's dtype."""


class KeyItem(Model):
    """An API key without its secret."""

    id: UUID
    """Identifies the key."""

    prefix: str
    """The letters after `ps_`, by which you can recognise the key."""

    owner: str
    """Whose key it is."""

    name: str
    """What the key is for."""

    scopes: list[Literal["jobs:read", "jobs:write", "admin"] | str]
    """What the key may do."""

    created_at: AwareDatetime
    """When the key was created."""

    created_by: UUID | None = None
    """The id of the key that made it; null if it was made on the operator's command line."""

    expires_at: AwareDatetime | None
    """When the key expires; null if it does not."""

    last_used_at: AwareDatetime | None
    """When the key was last used, to the minute; null if it never was."""


class KeyPage(Model):
    """A page of API keys, newest first."""

    items: list[KeyItem]
    """At most `limit` items."""

    next_cursor: str | None
    """Send it as `cursor` to get the next page; null on the last page."""


class KeyRequest(Model):
    """An API key to create."""

    name: str
    """What the key is for."""

    scopes: list[Literal["jobs:read", "jobs:write", "admin"] | str] = ["jobs:read", "jobs:write"]
    """What the key may do. You can grant only scopes that your own key has, unless it has `admin`."""

    owner: str | None = None
    """Whose key it is; yours by default. Another owner needs the scope `admin`."""

    expires_in_days: float = 365.0
    """When it expires. A key does not outlive the one that created it, unless that has `admin`."""


class LayerFacts(Model):
    """One pruned weight matrix."""

    name: str
    """The layer's name in the model."""

    block: int
    """The decoder block, counted from 0."""

    shape: list[int]
    """The shape of the weight matrix."""

    zeros: int
    """Number of weights that the method has set to zero."""

    weights: int
    """Number of weights."""

    relative_error: float | None = None
    """How far its outputs are from those of its dense weights on the same inputs: the Frobenius norm of the difference over that of the dense outputs. Over all calibration windows where the recipe measures second moments (sparsegpt, admm, any refit, swaps), over 256 tokens of the first one where it measures input norms only (wanda, gblm, ria). Null for a method that measures no inputs, and for an expert that no token reached."""

    swap_reduction: float | None = None
    """By how much swaps have lowered the squared error of a row's outputs, relative to it: the median over rows. Null for a recipe without swaps."""

    sparsity: float
    """The share of zeros."""


class LayerSelection(Model):
    """Globs (`*`, `?`, `[…]`) on whole layer names, such as `model.layers.0.mlp.up_proj`."""

    include: list[str] = []
    """Only layers that match one of these are pruned; all when empty."""

    exclude: list[str] = []
    """Layers that match one of these are not pruned, even if included."""


class LeftInOrderFacts(Model):
    """Channels that stay in the dense model's order."""

    kind: Literal["value_channels", "mlp_channels"] | str
    """What the channels are."""

    blocks: str
    """The decoder blocks, as runs such as `0-5,7,9-12`."""

    reason: str
    """Why they were not moved."""


class Lineage(Model):
    """Where a pruned model comes from."""

    job_id: UUID
    """The job that produced it."""

    recipe_fingerprint: str | None
    """Jobs with equal fingerprints produce equal results. Null where the recipe names a local path or an upload."""

    base_model: str
    """The dense model: a Hub id, or the name of a local directory."""

    commit: str | None
    """The commit of a dense model from the Hub."""

    digest: str | None
    """The content digest of a local dense model."""

    architecture: str | None
    """The model's architecture, as its config names it."""

    parameters: int | None
    """How many parameters the model has."""

    pruneserve: str | None
    """The version of PruneServe that pruned it."""

    submitted_at: AwareDatetime
    """When the job was submitted."""

    succeeded_at: AwareDatetime | None
    """When the job succeeded."""


class LogMessage(Model):
    """A message for display."""

    attempt: int | None
    """The attempt that the event belongs to, if any."""

    kind: Literal["log"]
    """Says which of the variants this is."""

    message: str
    """The message."""


class Machine(Model):
    """A worker's device, as it was measured when the worker started."""

    device: str
    """`cpu`, or the CUDA device with its name; several are separated by `, `."""

    devices: int = 1
    """Devices that share a job. The rates are those of one."""

    memory_bytes: int
    """Memory of the device that computes; of several, of the smallest."""

    operations_per_second: dict[str, float]
    """Rate of large matrix products, by each dtype that the device can compute with."""

    bytes_per_second: float
    """Rate of reading and writing the device's memory."""

    measured: bool = True
    """False if the figures are assumed, because no live worker was measured."""


class Magnitude(Model):
    """|W|, one threshold per weight matrix."""

    name: Literal["magnitude"] = "magnitude"
    """Says which of the variants this is."""


class MaskExport(Model):
    """Which weights are zero: a patch that makes the result of the dense model, which it is not part of."""

    format: Literal["mask"]
    """The format."""

    only: bool = False
    """Keep the mask in place of the weight files, which `pruneserve apply` makes again."""


class Me(Model):
    """The caller of a request."""

    owner: str
    """Whose jobs, uploads and keys the caller sees."""

    key_id: UUID
    """The `id` of the API key, or of the one that the page session began with."""

    scopes: list[Literal["jobs:read", "jobs:write", "admin"] | str]
    """What the caller may do."""

    expires_at: AwareDatetime | None
    """When the key expires; null if it does not."""


class MethodItem(Model):
    """A pruning method."""

    name: str
    """The name to use as a job's `method`."""

    formula: str
    """How the method scores a weight."""

    options: dict[str, Any]
    """JSON Schema of the options in a job's `method` object."""


class MethodList(Model):
    """The pruning methods that a job may name."""

    items: list[MethodItem]
    """All methods."""


class MethodOptions(Model):
    """
    The options of a pruning method. `implementation` names its `pruning.methods.base.Method`.

    Attributes
    ----------
    needs
        What must be measured before the method can prune a layer.
    updates_weights
        Whether the method changes weights that it keeps.
    """

    name: str
    """The name in a recipe."""


class ModelEstimate(Model):
    """The model, as its config describes it."""

    model_type: str
    """The `model_type` that the config names."""

    parameters: int
    """Parameters of the model, without norms, biases and routers."""

    prunable: int
    """Weights in the linear layers of the blocks."""

    blocks: int
    """Decoder blocks."""


class ModelFacts(Model):
    """The dense model."""

    id: str
    """A Hub id or a path."""

    commit: str | None
    """The Hub commit; null for a local directory."""

    digest: str | None
    """Digest of a local directory's content; null for a Hub model."""

    architecture: str
    """The architecture, as the config names it."""

    parameters: int
    """Number of parameters of the whole model."""

    blocks: int
    """Number of decoder blocks."""


class ModelReference(Model):
    """A model by Hub id or absolute path. The plain string `"org/name"` means its default revision."""

    id: str
    """A Hub id, or an absolute path under an allowed root."""

    revision: str | None = None
    """A branch, tag or commit on the Hub; the default branch when left out."""


class NamedWebhook(Model):
    """A webhook, by its id."""

    webhook: UUID
    """Identifies the webhook."""


class Needs(Model):
    """The least that a job needs of a worker. Zeros fit every worker."""

    gpus: int = 0
    """GPUs that share the job; 0: it may run on a CPU."""

    device_bytes: int = 0
    """Memory of each GPU, on a worker that has any."""

    host_bytes: int = 0
    """Memory of the host, on a worker with a GPU."""

    cpu_bytes: int = 0
    """Memory of the host, on a worker without a GPU."""

    scratch_bytes: int = 0
    """Room on the scratch disk, on a worker with a GPU."""

    cpu_scratch_bytes: int = 0
    """Room on the scratch disk, on a worker without a GPU, whose dtype may be wider."""

    cpu_seconds: float = 0.0
    """Time that a worker without a GPU would take."""


class NewKey(Model):
    """An API key that was just created."""

    id: UUID
    """Identifies the key."""

    prefix: str
    """The letters after `ps_`, by which you can recognise the key."""

    owner: str
    """Whose key it is."""

    name: str
    """What the key is for."""

    scopes: list[Literal["jobs:read", "jobs:write", "admin"] | str]
    """What the key may do."""

    created_at: AwareDatetime
    """When the key was created."""

    created_by: UUID | None = None
    """The id of the key that made it; null if it was made on the operator's command line."""

    expires_at: AwareDatetime | None
    """When the key expires; null if it does not."""

    last_used_at: AwareDatetime | None
    """When the key was last used, to the minute; null if it never was."""

    key: str
    """The key itself. Only its hash is stored, so it cannot be read again."""


class NewWebhook(Model):
    """A webhook that was just created."""

    id: UUID
    """Identifies the webhook."""

    url: str
    """Where messages are sent. With the format `slack` the path is left out, as in `https://hooks.slack.com/…`: every client that knows it can post there."""

    events: list[
        Literal["job.started", "job.succeeded", "job.failed", "job.cancelled", "job.gate_not_passed"] | str
    ]
    """Which events are sent."""

    format: Literal["standard", "slack"] | str
    """`standard` for Standard Webhooks, or `slack`."""

    enabled: bool
    """Whether messages are being delivered."""

    disabled_reason: str | None
    """Why deliveries stopped; null while enabled."""

    failing_since: AwareDatetime | None
    """When deliveries began to fail; null if the last one succeeded."""

    created_at: AwareDatetime
    """When the webhook was created."""

    secret: str
    """The secret `whsec_…` for verifying signatures. It cannot be read again."""


class NoPruning(Model):
    """Prune nothing: the dense model is measured, and exported if that is asked for."""

    name: Literal["none"] = "none"
    """Says which of the variants this is."""


class Owl(Model):
    """Less sparsity for the blocks with more outliers among their Wanda scores (arXiv 2310.05175)."""

    name: Literal["owl"] = "owl"
    """Says which of the variants this is."""

    band: float = 0.08
    """Half the difference in sparsity between the least and the most pruned block."""


class PermutationFacts(Model):
    """In which order the pruned model has its channels. In it, the dense model computes the same."""

    blocks: list[ChannelOrderFacts]
    """One entry per block and kind of channels."""

    left: list[LeftInOrderFacts]
    """What was not moved, by kind and reason."""


class Perplexity(Model):
    """The perplexity of the model before and after pruning."""

    dense: float | None
    """Perplexity of the dense model; null if it is not finite."""

    pruned: float | None
    """Perplexity of the pruned model; null if it is not finite."""

    interval: Interval | None = None
    """95 % confidence interval of the pruned model's; null for fewer than 8 windows."""


class PerplexityFacts(Model):
    """Perplexity before and after, measured by the same code on the same windows."""

    dense: float
    """Perplexity of the dense model."""

    pruned: float
    """Perplexity of the pruned model."""

    cut_short: bool = False
    """The measurement ended early at the limit: the pruned perplexity is at least this."""

    kl: float | None = None
    """How far the pruned model's predictions are from the dense model's: the mean over the predicted tokens of KL(dense ‖ pruned), in nats. Null where the measurement ended early, and for a model whose logits at a position depend on more than the last block's output there."""

    agreement: float | None = None
    """The share of the predicted tokens for which both models find the same one most probable. Null where `kl` is."""

    intervals: Intervals | None = None
    """95 % confidence intervals; null for fewer than 8 windows, and where it ended early."""

    window_losses: list[float] = []
    """Mean loss of each window under the pruned model, in nats; none where it ended early, for more than 10,000 windows, and in the public report of a zoo entry."""

    definition: str
    """How the perplexity is computed."""

    dataset: str
    """The text, as the recipe names it."""

    windows: int
    """Number of windows that were measured."""

    sequence_length: int
    """Number of tokens per window."""

    fingerprint: str
    """SHA-256 over the token ids."""

    increase: float
    """Relative increase: 0.1 means 10 % above the dense perplexity."""


class ProblemDocument(Model):
    """An RFC 9457 problem document. `type` is stable: programs may branch on it."""

    type: str
    """Which kind of problem this is."""

    title: str
    """The kind of problem in words."""

    status: int
    """The HTTP status."""

    detail: str
    """What is wrong with this request, and what to do about it."""

    errors: list[FieldError] | None = None
    """Each field that cannot be accepted."""


class Progress(Model):
    """How far a job has come."""

    stage: (
        Literal["resolve", "gradients", "cut", "prune", "recover", "evaluate", "export", "speed", "upload"]
        | str
    )
    """The stage that is running, or the one in which the job stopped."""

    step: int | None
    """How many steps of the stage are finished."""

    steps: int | None
    """How many steps the stage has: blocks, or groups of windows."""

    seconds_left: float | None
    """Estimated seconds until the whole job is done."""


class PromotionRequest(Model):
    """A job to show in the zoo."""

    job_id: UUID
    """The job, which must have succeeded and still have its files."""

    note: str = ""
    """What the model is good for, in a few words."""


class QueueChange(Model):
    """Whether workers may claim the jobs of a queue."""

    paused: bool
    """Whether no worker claims its jobs."""


class QueueEstimate(Model):
    """What a job will take on the workers of a queue, or why it does not fit there."""

    queue: str
    """The queue's name."""

    fits: bool
    """Whether its workers have what the job needs."""

    missing: str | None
    """What the job needs that they lack, with the numbers; null where it fits."""

    seconds: float | None
    """Time on the slowest of them; null where the job does not fit, or none was measured."""

    memory_bytes: int | None
    """Peak memory of the device that computes there; null where the time is."""


class QueueItem(Model):
    """A queue that has a worker or an open job, or was paused once."""

    name: str
    """Its name; `none` has the jobs that are not sized, or that fit no connected worker."""

    paused_at: AwareDatetime | None
    """Since when its workers claim no job, and no other takes its jobs; null if it is not paused."""

    paused_by: str | None
    """The owner of the key by which it was paused."""

    queued: int
    """Queued jobs of which it is the smallest queue that they fit, among the first 10,000 of all."""

    running: int
    """Its jobs that workers hold."""

    workers: int
    """Its live workers that take jobs."""


class QueueList(Model):
    """The queues."""

    items: list[QueueItem]
    """By name."""


class RateFacts(Model):
    """Tokens per second of both models in one phase, at one batch size."""

    phase: Literal["prefill", "decode"] | str
    """`prefill` reads a prompt; `decode` adds one token after the other to it."""

    batch: int
    """Number of sequences at a time."""

    dense: float
    """Tokens per second of the dense model, of all sequences together."""

    pruned: float
    """Tokens per second of the pruned model."""

    speedup: float
    """How many times as fast the pruned model is: the median over pairs of runs, in which the models take turns. `dense` and `pruned` are of that pair."""

    noise: float
    """How far the same figure of other pairs is from the median, at most; of five pairs or more without the two extreme ones. Where it exceeds the gain, the speed-up is not measurable."""


class Recipe(Model):
    """Everything that decides the pruned weights. Two equal recipes give equal results."""

    model: ModelReference
    """The dense model, by id or with a revision."""

    structure: StructureOptions | None = None
    """Which units are taken out of the model, before a method masks what is left."""

    norms: list[Literal["l1", "l2"] | str] = []
    """Gradient norms to compute and keep, for later jobs: `l1`, `l2` or both. Nothing is pruned then, so method and structure are left out."""

    method: (
        NoPruning | Magnitude | Wanda | Gradient | Gblm | Ria | SparseGpt | Admm | dict[str, Any] | None
    ) = None
    """How weights are scored, by the method's name or with its options. Without one nothing is masked, and `structure` or `norms` is required."""

    pattern: str = "unstructured"
    """Where zeros may lie: anywhere, or N:M: at most N non-zero of M consecutive weights."""

    sparsity: float | None = None
    """The share of zeros in the pruned layers. An N:M pattern implies it: 1 - N/M. 0 without a method."""

    permute: bool = False
    """For an N:M pattern: put MLP channels, and the channels of each value head, in an order in which the pattern keeps more, before a block's masks are chosen. The dense model computes the same in any order; the pruned one is written in the new order."""

    allocation: Uniform | Owl | GradientGuided | dict[str, Any] | None = None
    """How the sparsity is spread over the layers. By default `{"name": "uniform"}`."""

    layers: LayerSelection | None = None
    """Which layers are pruned. By default `{"include": [], "exclude": []}`."""

    refit: RefitOptions | None = None
    """Whether to solve for the kept weights again after pruning."""

    swaps: int | None = None
    """Exchange kept for pruned weights of a row while that lowers the error of its outputs, at most so many times in a row, such as 1000. No weight gets a new value. No swaps when left out."""

    order: Literal["blocks", "layers"] | str = "blocks"
    """What has been pruned when a layer's inputs are measured: `blocks`, the earlier blocks (as in the reference); or `layers`, the earlier layers of its own block too."""

    gradients: str | None = None
    """Gradient norms of the same weights to use instead of computing them: `gradient:<id>` of a gradient job, `upload:<id>`, or the path of a file that an earlier run saved."""

    calibration: Calibration | None = None
    """The text on which activations and gradients are measured. By default `{"dataset": "c4", "datasets": [], "samples": 128, "sequence_length": null, "seed": 0, "add_bos_token": false}`."""

    dtype: Literal["auto", "float64", "float32", "bfloat16", "float16"] | str = "auto"
    """The precision of the computation, not of the saved weights; weights that a method solves for are rounded to it."""

    recovery: RecoveryOptions | None = None
    """Whether kept weights are trained after pruning, and how."""


class RecoveryFacts(Model):
    """What was trained after pruning: the result is no longer one-shot."""

    distil: TrainingFacts
    """The training towards the dense model's output."""

    is_trained: bool
    """Whether trained weights were kept."""


class RecoveryOptions(Model):
    """Train what pruning has left. The result is called trained: it is no longer one-shot."""

    distil: DistilOptions | None = None
    """How the dense model is distilled into the whole pruned one; true: as by default."""


class RefitOptions(Model):
    """Solve for the kept weights of each layer again, to reproduce the dense layer's outputs."""

    ridge: float = 0.0
    """Ridge regularisation: this times inputs ÷ tokens, as a share of it, is added to each number on the second moments' diagonal. It avoids overfitting small calibration sets."""

    iterations: int = 20
    """Steps of conjugate gradients."""

    toward: float = 0.0
    """The target outputs: at 0, those of the dense weights on the pruned model's inputs; at 1, those of the dense model; in between, a weighted mean."""


class Report(Model):
    """What a run did to a model and what it cost; `pruning_report.json` next to the pruned model."""

    recipe: Recipe
    """What was pruned and how, with every default filled in."""

    recipe_fingerprint: str | None = None
    """Equal fingerprints mean equal results; left out of the public report of a zoo entry whose recipe names a local path or an upload."""

    evaluation: Evaluation
    """How the quality was measured."""

    model: ModelFacts
    """The model before pruning."""

    calibration: CalibrationFacts | None
    """The calibration windows; null for a method that reads no text."""

    expert_tokens: list[ExpertTokensFacts] = Field(default=[], validate_default=True)
    """The tokens that each expert saw of each dataset, when its inputs were first measured: in the cut, or else in the pruning. Only for several calibration datasets and routed experts."""

    structure: StructureFacts | None = None
    """What was taken out of the model; null for a recipe without `structure`."""

    permutation: PermutationFacts | None = None
    """The new order of channels; null for a recipe without `permute`."""

    sparsity: SparsityFacts
    """The zeros, by layer."""

    perplexity: PerplexityFacts
    """Perplexity on the evaluation text."""

    domains: dict[str, PerplexityFacts] | None = None
    """What was measured on the text of each domain, by the domain's name. By default `{}`."""

    zero_shot: ZeroShotFacts | None = None
    """Zero-shot scores; null where no task was asked for."""

    recovery: RecoveryFacts | None = None
    """What was trained after pruning; null for a one-shot result."""

    exports: list[ExportFacts] = Field(default=[], validate_default=True)
    """The files for engines that were asked for, and what was measured of each."""

    speed: SpeedFacts | None = None
    """Size and speed compared with the dense model; null where they were not measured."""

    stages: list[StageFacts]
    """What each stage cost, in order."""

    environment: Environment
    """Versions and device, as far as they affect the numbers."""

    gradients_reused: bool = False
    """Whether the gradient norms came from an earlier job or attempt."""

    dense_perplexity_reused: bool = False
    """Whether the dense perplexities came from an earlier job."""

    warnings: list[str] = []
    """What the reader should know about the numbers."""


class ResourceRequest(Model):
    """What the job needs of its worker, in place of what the service estimates."""

    gpus: int | None = None
    """GPUs that share the job, at least; 0 lets it run on a CPU."""

    device_bytes: int | None = None
    """Free memory of each GPU."""

    host_bytes: int | None = None
    """Memory of the host."""

    scratch_bytes: int | None = None
    """Room on the scratch disk."""


class Ria(Model):
    """(|W|/Σcolumn + |W|/Σrow)·‖X‖₂^0.5, one threshold per matrix (Zhang et al., 2024, Plug-and-Play)."""

    name: Literal["ria"] = "ria"
    """Says which of the variants this is."""


class Search(Model):
    """The state of a search."""

    met: float | None = None
    """The highest sparsity, or share of the parameters taken out, that met the bound."""

    missed: float | None = None
    """The lowest that missed it."""

    best_job: UUID | None = None
    """The answer so far: the job that met the bound there, or that has the best file."""

    best_file: str | None = None
    """Of a search for a file: the name of the best export of `best_job`."""

    files: list[FoundFile] = Field(default=[], validate_default=True)
    """Of such a search, once it has ended: the files within the bound, the best first, then the others."""


class ShareChange(Model):
    """Changes to what an owner may take. What is left out stays; null takes the default again."""

    weight: float | None = None
    """With weight 2 it gets twice as many workers as with 1, the default."""

    max_running: int | None = None
    """How many of its jobs may run at once. The default is any number."""


class ShareItem(Model):
    """An owner's share of the workers, and what it has used."""

    owner: str
    """Whose share it is."""

    weight: float
    """By how much it counts when owners share the workers."""

    max_running: int | None
    """How many of its jobs may run at once; null for any number."""

    running: int
    """How many of its jobs run."""

    queued: int
    """How many of its jobs are queued."""

    gpu_seconds: float
    """Seconds of its attempts on workers with GPUs, once for each GPU of the worker: of those that run, and of those that ended in the days that were asked for (UTC)."""

    cpu_seconds: float
    """The same on workers without a GPU, once, however many cores they have."""


class ShareList(Model):
    """The shares of all owners."""

    items: list[ShareItem]
    """At most 1,000, by name: those with a share, a job that is queued or runs, or any use."""


class SparseGpt(Model):
    """Column by column; the columns to the right compensate for each error (arXiv 2301.00774)."""

    name: Literal["sparsegpt"] = "sparsegpt"
    """Says which of the variants this is."""


class SparsityFacts(Model):
    """The zeros by layer. Layers outside the decoder blocks are not pruned and not counted."""

    layers: list[LayerFacts]
    """Each pruned weight matrix, in the model's order; none for a recipe that masks nothing."""

    overall: float
    """The share of zeros over all pruned layers; 0 where there are none."""


class SpeedFacts(Model):
    """The size of the result, and its speed on this machine, compared with the dense model's."""

    dense_bytes: int
    """Size of the dense model's weight files."""

    bytes: int
    """Size of the pruned model's weight files."""

    speedup: float | None
    """The lower of the speed-ups of prefill and decode of one sequence; null where its noise exceeds the gain. 1 for a mask that was not measured; null for a smaller model that was not."""

    rates: list[RateFacts] = Field(default=[], validate_default=True)
    """What was measured; none where nothing was."""

    prompt_tokens: int | None = None
    """Tokens of each prompt; null where nothing was measured."""

    generated_tokens: int | None = None
    """Tokens added to each prompt in `decode`."""

    pairs: int | None = None
    """Number of pairs of runs behind each median."""

    dense_peak_memory_bytes: int | None = None
    """Memory of the dense model at the largest batch: its weights in the dtype of the computation, and the peak of what a prefill and a decode add to them."""

    peak_memory_bytes: int | None = None
    """The same of the pruned model."""

    note: str | None = None
    """Why the figures are what they are, or why there are none."""


class StageEstimate(Model):
    """One stage of the job."""

    name: (
        Literal["resolve", "gradients", "cut", "prune", "recover", "evaluate", "export", "speed", "upload"]
        | str
    )
    """The stage."""

    operations: float
    """Floating-point operations in matrix products."""

    seconds: float
    """Time that the stage takes."""

    memory_bytes: int
    """Peak memory of the device that computes, or of each of several; on a CPU the resident memory of the process, with the mapped checkpoint."""


class StageFacts(Model):
    """What one stage cost."""

    name: (
        Literal["resolve", "gradients", "cut", "prune", "recover", "evaluate", "export", "speed", "upload"]
        | str
    )
    """The stage."""

    seconds: float
    """Wall-clock time."""

    peak_memory_bytes: int
    """Resident memory of the process, or allocated memory of the CUDA device that computed (of several, the one with most)."""


class StageFinished(Model):
    """An attempt finished a stage."""

    attempt: int
    """The attempt that the event belongs to."""

    kind: Literal["stage_finished"]
    """Says which of the variants this is."""

    stage: (
        Literal["resolve", "gradients", "cut", "prune", "recover", "evaluate", "export", "speed", "upload"]
        | str
    )
    """The stage."""

    seconds: float
    """Wall-clock time of the stage."""

    peak_memory_bytes: int
    """Resident memory of the process, or allocated memory of the CUDA device that computed (of several, the one with most)."""


class StageRestarted(Model):
    """Finished blocks are computed again: together with them, the others would have other last bits."""

    attempt: int
    """The attempt that the event belongs to."""

    kind: Literal["restart"]
    """Says which of the variants this is."""

    stages: list[
        Literal["resolve", "gradients", "cut", "prune", "recover", "evaluate", "export", "speed", "upload"]
        | str
    ]
    """The stages that begin again."""

    blocks: int
    """The finished blocks that are computed again; of gradients, one for each norm."""

    changes: list[ChangedCondition]
    """Why: the conditions that have changed."""


class StageStarted(Model):
    """An attempt began a stage."""

    attempt: int
    """The attempt that the event belongs to."""

    kind: Literal["stage_started"]
    """Says which of the variants this is."""

    stage: (
        Literal["resolve", "gradients", "cut", "prune", "recover", "evaluate", "export", "speed", "upload"]
        | str
    )
    """The stage."""

    steps: int
    """Steps of the stage: blocks, or groups of windows."""


class StateChanged(Model):
    """The job moved to another state."""

    attempt: int | None
    """The latest attempt; null before the first."""

    kind: Literal["state"]
    """Says which of the variants this is."""

    state: Literal["queued", "running", "cancelling", "succeeded", "failed", "cancelled"] | str
    """The new state."""

    worker: str | None
    """The worker that claimed the job."""

    reason: str | None
    """Why the job went back to the queue."""

    error: JobError | None
    """Why the job failed."""


class StepFinished(Model):
    """A stage made progress. Such events are rate-limited, and deleted some time after the job has ended."""

    attempt: int
    """The attempt that the event belongs to."""

    kind: Literal["progress"]
    """Says which of the variants this is."""

    stage: (
        Literal["resolve", "gradients", "cut", "prune", "recover", "evaluate", "export", "speed", "upload"]
        | str
    )
    """The stage."""

    step: int
    """Finished steps of the stage."""

    steps: int
    """Steps of the stage: blocks, or groups of windows."""

    seconds_left: float | None
    """An estimate for the whole job."""

    memory_bytes: int | None
    """Memory that the job's process holds now."""


class StorageUse(Model):
    """What an owner's jobs and uploads take in the store. All sizes are in bytes."""

    artifact_bytes: int
    """Files of succeeded jobs, without the norms of gradient jobs."""

    gradient_bytes: int
    """Gradient norms that you keep: computed and uploaded ones."""

    unfinished_bytes: int
    """Finished blocks of jobs that run, or that a retry resumes."""

    cache_bytes: int
    """Gradient norms and measurements of dense models that later jobs use again. Deleting the job that has computed them deletes them."""

    upload_bytes: int
    """Uploaded texts."""

    quota_bytes: int
    """What uploads and gradient norms may take together."""

    total_bytes: int
    """All of it."""


class StructureFacts(Model):
    """What was taken out of the model before anything was masked."""

    units: list[UnitFacts]
    """One entry per kind of unit."""

    blocks: list[BlockUnits]
    """One entry per block and kind of unit."""

    block_share: float
    """The share of the blocks' parameters that was taken out."""

    dense_parameters: int
    """Number of parameters of the dense model."""

    parameters: int
    """Number of parameters of the smaller model."""

    dense_bytes: int
    """Size of the dense model's weight files."""

    bytes: int
    """Size of the smaller model's weight files."""

    left: str
    """What is left, in words: `1,152 of 1,536 MLP channels in each block`."""


class StructureOptions(Model):
    """Take whole units out of the model: the result is a smaller model of the same architecture."""

    mlp_channels: float | None = None
    """MLP channels to take out of each block, or of each of its routed experts: a share below 1, or a number of them."""

    experts: float | None = None
    """Routed experts to take out of each block that has some: a share below 1, or a number of them. Those go whose weighted outputs are smallest over the tokens that are routed to them."""

    kv_heads: float | None = None
    """Key/value heads to take out of each block, with all query heads that use them: a share below 1, or a number of them."""

    parameters: float | None = None
    """The share of the blocks' parameters to take out, in place of shares or numbers of units: as large a share of the KV heads as whole heads allow, and the rest as MLP channels, or as experts where MLPs are split into these."""

    multiple_of: int | None = None
    """The MLP width that is left is rounded to a multiple of this. By default the largest of 256, 128 and 64 that moves it by at most 2 % of the dense width; a number of channels is not rounded."""


class SweepDetail(Model):
    """A sweep with its jobs."""

    id: UUID
    """Identifies the sweep."""

    state: Literal["running", "succeeded", "failed", "cancelled"] | str
    """`running` until all of its jobs have ended."""

    error: str | None
    """Why the sweep failed; null if it did not."""

    request: SweepRequest
    """The request, with the defaults of a target filled in."""

    search: Search | None
    """What a search has found so far; null for a sweep with `vary`."""

    created_at: AwareDatetime
    """When the sweep was submitted."""

    ended_at: AwareDatetime | None
    """When the sweep ended; null while it runs."""

    jobs: list[JobSummary]
    """The jobs in the order in which they were created."""

    structures: dict[str, StructureOptions]
    """What is taken out of the model by the jobs that do so, by their ids."""


class SweepItem(Model):
    """A sweep without its jobs."""

    id: UUID
    """Identifies the sweep."""

    state: Literal["running", "succeeded", "failed", "cancelled"] | str
    """`running` until all of its jobs have ended."""

    error: str | None
    """Why the sweep failed; null if it did not."""

    request: SweepRequest
    """The request, with the defaults of a target filled in."""

    search: Search | None
    """What a search has found so far; null for a sweep with `vary`."""

    created_at: AwareDatetime
    """When the sweep was submitted."""

    ended_at: AwareDatetime | None
    """When the sweep ended; null while it runs."""


class SweepPage(Model):
    """A page of your sweeps, newest first."""

    items: list[SweepItem]
    """At most `limit` items."""

    next_cursor: str | None
    """Send it as `cursor` to get the next page; null on the last page."""


class SweepRequest(Model):
    """A job, and either what to vary about it or a target to search for."""

    job: dict[str, Any]
    """The fields of a job, as in `POST /v1/jobs`, except those that the sweep decides."""

    vary: Vary | None = None
    """What to vary; give either this or `target`."""

    target: Target | None = None
    """Search for the sparsest or smallest model within a bound on perplexity, one job after the other, or for the best exported file of a size."""


class Target(Model):
    """One bound: on perplexity, which a search stays within; or on size, of which it finds the best file."""

    export: str | None = None
    """The export whose perplexity is bounded, by its name, such as `gguf:Q4_K_M`; job.exports must have it. The pruned model's when left out."""

    max_perplexity: float | None = None
    """Upper bound of the perplexity."""

    max_perplexity_increase: float | None = None
    """Upper bound of the increase over the dense model: 0.05 is 5 %."""

    format: Literal["gguf"] | None = None
    """With `max_bytes`: find the best exported file of the size, of the six largest types that may fit, of the dense model and of the one that the job prunes."""

    max_bytes: int | None = None
    """Upper bound of the size of an exported file; needs `format`."""

    over: Literal["sparsity", "structure"] | str = "sparsity"
    """What a bound on perplexity is searched over: the sparsity of the mask, or the share of the blocks' parameters that structure takes out, for the fastest model within the bound."""

    lowest: float = 0.05
    """The lowest sparsity, or share, to consider."""

    highest: float = 0.95
    """The highest sparsity, or share, to consider."""

    tolerance: float = 0.02
    """The largest allowed distance from the best sparsity, or share."""


class TaskFacts(Model):
    """The scores of both models in one task by one metric."""

    task: str
    """The name of the task."""

    version: str
    """Version of the task's definition."""

    metric: str
    """The metric, such as `acc`."""

    examples: int | None
    """Number of examples; null for a group of tasks."""

    dense: float
    """The score of the dense model."""

    pruned: float
    """The score of the pruned model."""

    dense_stderr: float | None
    """Standard error of the dense model's score; null where the harness gives none."""

    pruned_stderr: float | None
    """Standard error of the pruned model's score; null where the harness gives none."""

    interval: Interval | None = None
    """95 % confidence interval of the pruned model's score, by a bootstrap of the examples. Null for fewer than 30 examples or equal ones, and for a score that is not their mean."""

    outcomes: str | None = None
    """For each example 1 where the pruned model is right, and 0 where it is wrong; null for a score that is no share of right answers, for more than 10,000, and in the public report of a zoo entry."""

    change_interval: Interval | None = None
    """The same of the pruned model's score less the dense model's, example by example."""


class TestMessage(Model):
    """The body of a test message."""

    type: Literal["webhook.test"]
    """What the message is."""

    timestamp: AwareDatetime
    """When the test was asked for."""

    data: NamedWebhook
    """The webhook that it was sent to."""


class TrainingFacts(Model):
    """A training of the whole pruned model."""

    datasets: list[str]
    """The texts that were trained on."""

    windows: int
    """Number of windows that were trained on."""

    sequence_length: int
    """Number of tokens per window."""

    tokens: int
    """Number of tokens that were trained on."""

    fingerprint: str
    """SHA-256 over the token ids that were trained on."""

    held_out_windows: int
    """Number of windows of text that was never trained on."""

    held_out_articles: int
    """Number of articles that these are from; 0 for the end of a text without articles."""

    held_out_fingerprint: str
    """SHA-256 over the token ids of the held-out windows."""

    steps: int
    """Number of optimiser steps."""

    learning_rate: float
    """The highest learning rate. Each parameter has this one times the root mean square of its weights, zeros included, and divided by the share of them that a pruned layer keeps, or by 0.1 if that is less."""

    state: str
    """How weights and Adam's running means were kept, as in the recipe's `recovery.distil.state`: `float32`, `8-bit` or `bfloat16`."""

    curve: list[JudgementFacts]
    """The judgements, in the order of the steps."""

    kept_step: int
    """The step with the lowest held-out loss, whose weights were kept; 0 where no step improved the model, so that it was left as it was."""


class Uniform(Model):
    """Every layer the same sparsity."""

    name: Literal["uniform"] = "uniform"
    """Says which of the variants this is."""


class UnitFacts(Model):
    """The units of one kind in each block, before and after."""

    kind: Literal["mlp_channels", "experts", "kv_heads"] | str
    """What the units are."""

    dense: int
    """Number of units in each block of the dense model; of channels in each of its experts."""

    requested: int
    """Number that the recipe leaves, before it is rounded."""

    kept: int
    """Number that is left in each block, or each expert."""


class UploadItem(Model):
    """An uploaded text, or uploaded gradient norms."""

    id: UUID
    """Identifies the upload."""

    name: str
    """The name that you gave it."""

    format: str
    """`txt` for one text, `jsonl` for one document per line, `safetensors` for norms."""

    size: int
    """Size in bytes."""

    sha256: str
    """SHA-256 of the content, in hexadecimal."""

    created_at: AwareDatetime
    """When it was uploaded."""

    dataset: str
    """What a job names where it takes a dataset, or in `gradients`."""


class UploadPage(Model):
    """A page of your uploads, newest first, and how much of the quota they use."""

    items: list[UploadItem]
    """At most `limit` items."""

    next_cursor: str | None
    """Send it as `cursor` to get the next page; null on the last page."""

    used_bytes: int
    """Total size of your uploads and gradient norms."""

    quota_bytes: int
    """The most that your uploads and gradient norms may take together."""


class Vary(Model):
    """
    The fields that differ from job to job. Every combination becomes a job.

    An N:M pattern implies its sparsity, so it is combined with no value of `sparsity`. A job without a method
    masks nothing, so it is combined with neither; one that would do nothing at all is left out.
    """

    sparsity: list[Any] = []
    """Sparsities to try."""

    pattern: list[Any] = []
    """Patterns to try."""

    method: list[Any] = []
    """Methods to try, by name or with options; null masks nothing."""

    structure: list[Any] = []
    """What to take out of the model; null takes nothing out."""


class Verdict(Model):
    """The verdict of a gate. The worker stores it together with the report."""

    state: Literal["passed", "failed", "inconclusive"] | str
    """`passed` if every condition is, `failed` if one has, and `inconclusive` otherwise."""

    export: str | None = None
    """The export that the conditions are on; null: the pruned model."""

    baseline: UUID | None = None
    """The job that increases and drops are over; null: the dense model."""

    conditions: list[Condition]
    """Each condition of the gate."""


class Waiting(Model):
    """Why a job waits."""

    reason: (
        Literal[
            "database",
            "hub",
            "store",
            "unschedulable",
            "worker",
            "quarantined",
            "cordoned",
            "paused",
            "scheduler",
            "broker",
            "checks",
            "another_job",
            "own_jobs",
            "its_turn",
        ]
        | str
    )
    """What it waits for: `hub` (which does not answer), `unschedulable` (it needs more than any connected worker has), `worker` (none is connected), `quarantined` (all are), `cordoned` (an operator lets none take jobs), `paused` (an operator has paused its queue), `scheduler` (none is connected), `broker` (it answers no scheduler), `database` (its disk is full; also of a running job), `checks` (its size is estimated, to choose a worker), `another_job` (which computes what it needs too), `own_jobs` (as many of yours run as may at once), `its_turn` or `store` (which is full or does not answer)."""

    position: int | None
    """Its place among the jobs of its queue that could run, from 1; null beyond 100, for a second after it was queued, and where it could not run before something else has happened."""

    message: str
    """The reason in words. With the scope `admin` they include why workers are quarantined."""

    job_id: UUID | None = None
    """The job that it waits for."""

    since: AwareDatetime | None
    """When the Hub, the store or the broker first did not answer; null for another reason."""

    tries: int | None
    """How many tries have failed since then."""

    next_try_at: AwareDatetime | None
    """When it is tried again, once a worker is free."""


class Wanda(Model):
    """|W|·‖X‖₂ per output row (Sun et al., 2023, arXiv 2306.11695)."""

    name: Literal["wanda"] = "wanda"
    """Says which of the variants this is."""

    selection: Literal["share", "cumulative"] | str = "share"
    """Which weights of a row are pruned: `share`, the lowest-scored share of the row; or `cumulative` (unstructured only), the lowest scores that together make up a part of the row's total. The part is chosen per matrix, and may miss the sparsity by more than 0.001."""


class WebhookChange(Model):
    """Changes to a webhook. Fields that are left out keep their value."""

    url: str | None = None
    """The new URL."""

    events: (
        list[
            Literal["job.started", "job.succeeded", "job.failed", "job.cancelled", "job.gate_not_passed"]
            | str
        ]
        | None
    ) = None
    """The new list of events."""

    format: Literal["standard", "slack"] | str | None = None
    """The new format of messages."""

    enabled: bool | None = None
    """False stops deliveries: what happens meanwhile is not sent. True resumes them, with what was pending before."""


class WebhookItem(Model):
    """A webhook without its secret."""

    id: UUID
    """Identifies the webhook."""

    url: str
    """Where messages are sent. With the format `slack` the path is left out, as in `https://hooks.slack.com/…`: every client that knows it can post there."""

    events: list[
        Literal["job.started", "job.succeeded", "job.failed", "job.cancelled", "job.gate_not_passed"] | str
    ]
    """Which events are sent."""

    format: Literal["standard", "slack"] | str
    """`standard` for Standard Webhooks, or `slack`."""

    enabled: bool
    """Whether messages are being delivered."""

    disabled_reason: str | None
    """Why deliveries stopped; null while enabled."""

    failing_since: AwareDatetime | None
    """When deliveries began to fail; null if the last one succeeded."""

    created_at: AwareDatetime
    """When the webhook was created."""


class WebhookPage(Model):
    """A page of your webhooks, newest first."""

    items: list[WebhookItem]
    """At most `limit` items."""

    next_cursor: str | None
    """Send it as `cursor` to get the next page; null on the last page."""


class WebhookRequest(Model):
    """A webhook to create."""

    url: str
    """Where to send messages: an https URL with a public address, unless the operator allows others."""

    events: list[
        Literal["job.started", "job.succeeded", "job.failed", "job.cancelled", "job.gate_not_passed"] | str
    ] = [
        "job.started",
        "job.succeeded",
        "job.failed",
        "job.cancelled",
        "job.gate_not_passed",
    ]
    """Which events to send; all by default."""

    format: Literal["standard", "slack"] | str = "standard"
    """`standard` for Standard Webhooks, or `slack` for an object with a `text` that links to the job, as Slack's incoming webhooks take it."""


class WeightedDataset(Model):
    """A dataset, and how much of the calibration set comes from it."""

    dataset: str
    """A dataset by name, the path of a file, or an upload."""

    weight: float = 1.0
    """Relative to the weights of the other datasets."""


class WorkerChange(Model):
    """Whether a worker may take jobs."""

    availability: Literal["active", "cordoned", "draining"] | str
    """`active`: it takes jobs; `cordoned`: it takes none; `draining`: none, and it ends once it runs none."""


class WorkerItem(Model):
    """A worker that is alive, or was within the last hour."""

    name: str
    """Its machine, its process and a random part."""

    queue: str
    """The queue that it reads."""

    queues: list[str] | None = None
    """The queues whose jobs it runs; null where it runs every job that fits it."""

    capacity: Capacity | None = None
    """What it had for a job when it started; null until it has said so."""

    state: Literal["idle", "busy", "quarantined", "cordoned", "silent"] | str
    """`idle`, `busy`, `quarantined` (it takes no jobs), `cordoned` (an operator lets it take no more jobs; `job` is its last one), or `silent` (no heartbeats)."""

    since: AwareDatetime | None
    """Since when it is in this state; null where that is unknown."""

    device: str | None
    """`cpu`, or the CUDA device with its name; null until it is measured."""

    sandbox: dict[str, bool] | None
    """By layer of the sandbox for untrusted files whether it holds on the worker's machine; null until the worker has tried."""

    job: WorkerJob | None
    """The job that it runs, if any."""

    started_at: AwareDatetime
    """When it was registered."""

    seen_at: AwareDatetime
    """Its latest heartbeat."""

    faults: int
    """Faults of the worker since its last succeeded job."""

    quarantined_at: AwareDatetime | None
    """Since when it takes no jobs; null if it does."""

    fault: str | None
    """The latest fault, or why its self-test fails."""

    cordoned_at: AwareDatetime | None
    """Since when an operator lets it take no more jobs; null if it may."""

    draining: bool
    """Whether it ends once it runs no job."""


class WorkerJob(Model):
    """The job that a worker runs."""

    id: UUID
    """Identifies the job."""

    owner: str
    """Whose job it is."""

    stage: str | None
    """The stage that is running."""

    since: AwareDatetime
    """When the worker took the job."""


class WorkerList(Model):
    """The registered workers."""

    items: list[WorkerItem]
    """At most 1,000, quarantined ones first, then by name."""


class ZeroShotFacts(Model):
    """The scores by lm-evaluation-harness, without examples in the prompt."""

    harness: str
    """Version of lm-evaluation-harness."""

    scores: list[TaskFacts]
    """One entry per task and metric."""


class ZooDetail(Model):
    """Everything about a zoo entry."""

    slug: str
    """Identifies the entry."""

    url: str
    """Address of the entry in this API, relative to this service."""

    page: str
    """Address of its page, relative to this service."""

    model: str
    """The dense model: a Hub id, or the name of a local directory."""

    method: str
    """The name of the pruning method."""

    pattern: str
    """`unstructured`, or an N:M pattern such as `2:4`."""

    sparsity: float
    """The requested share of zeros in the pruned layers."""

    perplexity: Perplexity
    """The perplexity before and after pruning."""

    size: int
    """Total size of all files, in bytes."""

    gate: Verdict | None
    """How the job met its gate; null if it had none."""

    note: str
    """What the owner says about the model."""

    promoted_by: str
    """The owner who put it into the zoo."""

    promoted_at: AwareDatetime
    """When it was put into the zoo."""

    measured_sparsity: float
    """The measured share of zeros in the pruned layers."""

    evaluation: str
    """The text on which the perplexity was measured."""

    method_options: (
        NoPruning | Magnitude | Wanda | Gradient | Gblm | Ria | SparseGpt | Admm | dict[str, Any] | None
    )
    """The pruning method with all of its options; null where nothing was masked."""

    structure: StructureOptions | None
    """What was taken out of the model, and how; null where nothing was."""

    speed: SpeedFacts | None = None
    """Size and speed compared with the dense model; null where they were not measured."""

    exports: list[ExportFacts] = Field(default=[], validate_default=True)
    """The files for engines, and what was measured of each."""

    lineage: Lineage
    """Where the model comes from."""

    files: list[ZooFile]
    """All files, ordered by name."""

    load: str
    """Python code that loads the model from a directory with the files."""


class ZooFile(Model):
    """One file of a pruned model."""

    id: UUID
    """Identifies the file within the service."""

    name: str
    """Relative path of the file within the model's directory."""

    size: int
    """Size in bytes."""

    sha256: str
    """SHA-256 of the content, in hexadecimal."""

    url: str
    """Where to download the content, relative to this service."""


class ZooItem(Model):
    """A zoo entry as it appears in the list."""

    slug: str
    """Identifies the entry."""

    url: str
    """Address of the entry in this API, relative to this service."""

    page: str
    """Address of its page, relative to this service."""

    model: str
    """The dense model: a Hub id, or the name of a local directory."""

    method: str
    """The name of the pruning method."""

    pattern: str
    """`unstructured`, or an N:M pattern such as `2:4`."""

    sparsity: float
    """The requested share of zeros in the pruned layers."""

    perplexity: Perplexity
    """The perplexity before and after pruning."""

    size: int
    """Total size of all files, in bytes."""

    gate: Verdict | None
    """How the job met its gate; null if it had none."""

    note: str
    """What the owner says about the model."""

    promoted_by: str
    """The owner who put it into the zoo."""

    promoted_at: AwareDatetime
    """When it was put into the zoo."""


class ZooPage(Model):
    """A page of the zoo, newest first."""

    items: list[ZooItem]
    """At most `limit` items."""

    next_cursor: str | None
    """Send it as `cursor` to get the next page; null on the last page."""
