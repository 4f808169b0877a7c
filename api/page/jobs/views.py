"""What the page shows of a job, read in one transaction and prepared for the templates."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy.orm import Session

from api.page.base.format import describe_event, pruning
from api.page.pictures.heat_map import layer_map
from api.page.pictures.pictures import Picture, picture
from api.page.submit.resubmit import failed_by_request, request_body
from api.schemas.files import loading_code
from api.schemas.job_requests import request_metadata
from api.schemas.jobs import Waiting
from api.schemas.zoo import public_name
from jobs import queries, zoo
from jobs.lifecycle import attempt_files, events
from jobs.lifecycle.events import Event, StageFinished
from jobs.queries import Cut
from jobs.queue.resources import Needs
from jobs.spec.gate import Verdict
from jobs.spec.job import JobSpec
from jobs.states import ENDED, HELD, RETRIABLE, JobState, LostAttempt
from jobs.tables import Artifact, Job, JobAttempt
from pruning.recipe import Stage
from pruning.report.facts import count_windows

ADVICE: dict[str, str] = {
    "invalid_input": "Change the field that the message names, and submit a new job.",
    "numerical_failure": "More calibration samples or dtype float32 usually help.",
    "unreachable": "The Hub did not answer for as long as jobs wait for it. Retry when it answers again.",
    "timeout": "Submit it again with more time, or with fewer samples.",
    "store": "Retry when the artifact store answers again; finished blocks are kept.",
    "internal": "Retry the job. If it fails again in the same way, the worker's log has the details.",
    LostAttempt.OUT_OF_MEMORY: "Retry on a larger machine, or submit a smaller recipe as a new job.",
    LostAttempt.KILLED: "The system killed it, usually for its memory. Retry on a machine with more memory.",
    LostAttempt.STALLED: "It made no progress. Check the worker's machine, then retry.",
    LostAttempt.LOST_WORKER: "Check the worker's machine and its log, then retry.",
    LostAttempt.DATABASE: "The database failed each time. Check it and its log, then retry.",
}


_STAGE_ORDER = {stage: position for position, stage in enumerate(Stage)}

StageStatus = Literal["waiting", "active", "done", "stopped", "skipped"]


@dataclass(frozen=True, slots=True)
class StageView:
    """A stage as the stepper shows it."""

    name: Stage
    status: StageStatus
    seconds: float | None
    peak_memory_bytes: int | None


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of the event log."""

    event: Event
    text: str


@dataclass(frozen=True, slots=True)
class JobView:
    """Everything that the page of a job shows."""

    job: Job
    waiting: Waiting | None
    spec: JobSpec
    stages: tuple[StageView, ...]
    attempts: Sequence[JobAttempt]
    artifacts: Sequence[Artifact]
    log: tuple[LogLine, ...]
    cut: Cut | None
    zoo_slug: str | None
    resumable_bytes: int
    """How much the finished blocks take in the store, from which a further attempt resumes."""

    @property
    def ended(self) -> bool:
        """Whether the job has ended."""
        return self.job.state in ENDED

    @property
    def needs(self) -> Needs | None:
        """What the job needs of a worker, once that is known."""
        return Needs.model_validate(self.job.needs) if self.job.needs else None

    @property
    def can_cancel(self) -> bool:
        """Whether the job can be cancelled."""
        return self.job.state in (JobState.QUEUED, JobState.RUNNING)

    @property
    def failed_by_request(self) -> bool:
        """Whether the request is at fault, and not something external or a worker."""
        return failed_by_request(self.job)

    @property
    def can_retry(self) -> bool:
        """Whether the job can be retried: not what fails again until its request is changed."""
        return self.job.state in RETRIABLE and not self.failed_by_request

    @property
    def title(self) -> str:
        """The headline: the job's name, or its model's."""
        return self.job.name or self.job.model.rpartition("/")[2]

    @property
    def pruning(self) -> str:
        """What the job does to its model."""
        return pruning(self.job, self.cut)

    @property
    def gate(self) -> Verdict | None:
        """How the job met its gate, once it has succeeded."""
        return Verdict.model_validate(self.job.gate) if self.job.gate else None

    @property
    def advice(self) -> str | None:
        """Advice on the error, where its message has none."""
        return ADVICE.get(self.job.error.get("type", "")) if self.job.error else None

    @property
    def norms(self) -> str:
        """Which gradient norms the job computes; empty for a job that prunes."""
        return " and ".join(self.spec.recipe.norms)

    @property
    def measured(self) -> bool:
        """Whether the job has succeeded: a gradient job has no report."""
        return self.job.state == JobState.SUCCEEDED

    @property
    def load(self) -> str:
        """Python code that loads the downloaded model."""
        return loading_code(self._folder, self.job.report)

    @property
    def _folder(self) -> str:
        return f"pruned-{self.job.id.hex[-8:]}"

    @property
    def stored_bytes(self) -> int:
        """How much the files of the result take in the store."""
        return sum(one.size if one.stored_size is None else one.stored_size for one in self.artifacts)

    @property
    def moments(self) -> list[tuple[str, datetime]]:
        """When the job was submitted, and when it entered each state since, or since its last retry."""
        entered = [("retried", self.job.retried_at), ("started", self.job.running_at)] + [
            (state.value, getattr(self.job, f"{state}_at")) for state in (JobState.CANCELLING, *sorted(ENDED))
        ]
        since = self.job.retried_at or self.job.created_at
        shown = ((name, at) for name, at in entered if at is not None and at >= since)
        return [("submitted", self.job.created_at), *sorted(shown, key=lambda pair: pair[1])]

    @property
    def recipe(self) -> str:
        """The request as JSON: what differs from the defaults."""
        body = request_body(self.spec, request_metadata(self.job))
        return json.dumps(body, indent=2, ensure_ascii=False)

    @property
    def seconds(self) -> float:
        """The time of all finished stages."""
        return sum(stage.seconds or 0.0 for stage in self.stages)

    @property
    def peak_memory_bytes(self) -> int:
        """The peak memory of all finished stages."""
        return max((stage.peak_memory_bytes or 0 for stage in self.stages), default=0)

    @property
    def sparsity(self) -> float | None:
        """The measured share of zeros; None without a report."""
        return self.job.report["sparsity"]["overall"] if self.job.report else None

    @property
    def measured_on(self) -> str:
        """How much of which text the perplexity is of; only the text before it is measured."""
        facts = (self.job.report or {}).get("perplexity", {})
        if "sequence_length" not in facts:
            return public_name(self.spec.evaluation.dataset)
        windows = count_windows(facts["windows"], facts["sequence_length"])
        text = f"{windows} of {public_name(facts['dataset'])}"
        return text if facts.get("intervals") or facts.get("cut_short") else f"{text}, no interval"

    @property
    def structure(self) -> dict[str, Any] | None:
        """What was taken out of the model; None without a report, or where nothing was."""
        return self.job.report.get("structure") if self.job.report else None

    @property
    def measures_speed(self) -> bool:
        """Whether the speed of the result is measured."""
        return self.spec.evaluation.measures_speed(self.spec.recipe.structure)

    @property
    def speed(self) -> dict[str, Any] | None:
        """Size and speed compared with the dense model; None where they were not measured."""
        return self.job.report.get("speed") if self.job.report else None

    @property
    def exports(self) -> list[dict[str, Any]]:
        """The exported files with what was measured of each."""
        return self.job.report.get("exports", []) if self.job.report else []

    @property
    def domains(self) -> list[tuple[str, str, dict[str, Any]]]:
        """What was measured on each text, by domain and dataset, the text of no domain first.

        Nothing for an evaluation without domains.
        """
        report = self.job.report or {}
        if not report.get("domains"):
            return []
        texts = {"all": report["perplexity"], **report["domains"]}
        return [(name, public_name(text["dataset"]), text) for name, text in texts.items()]

    @property
    def files(self) -> dict[str, str]:
        """Where each file of the result is downloaded, by its name."""
        return {file.name: f"/v1/jobs/{self.job.id}/artifacts/{file.id}/content" for file in self.artifacts}

    def warnings(self, *, of_exports: bool) -> list[str]:
        """The warnings of the report: those about exports, failed ones included, or the others."""
        begins = (*(export.name for export in self.spec.exports), "nothing was exported")
        found = self.job.report["warnings"] if self.job.report else []
        return [text for text in found if text.startswith(begins) is of_exports]

    @property
    def trained(self) -> str | None:
        """That the result is a trained one, as a sentence; None for a one-shot result."""
        recovery = self.job.report.get("recovery") if self.job.report else None
        if not (recovery and recovery["is_trained"]):
            return None
        if self.structure is not None:
            return "All weights were trained after the cut: this is not a one-shot result."
        return "Kept weights and norms were trained after pruning: this is not a one-shot result."

    @property
    def weights(self) -> int:
        """How many weights the pruned layers have."""
        return sum(layer["weights"] for layer in self.layers)

    @property
    def is_even(self) -> bool:
        """Whether every layer has the same measured sparsity."""
        layers = layer_map(self.layers, "sparsity")
        return layers is not None and layers.is_even

    @property
    def picture(self) -> Picture | None:
        """The picture of the report, if it has one."""
        return picture(self.job.report) if self.job.report else None

    @property
    def layers(self) -> list[dict[str, Any]]:
        """The report's layers, in the order of the model."""
        return self.job.report["sparsity"]["layers"] if self.job.report else []


def read(session: Session, job: Job, waiting: Waiting | None) -> JobView:
    """Read what the page shows of a job; `waiting`: why it waits."""
    recorded = events.recent_events(session, job.id)
    spec = JobSpec.model_validate(job.spec)
    return JobView(
        job=job,
        waiting=waiting,
        spec=spec,
        stages=_stages(job, spec, recorded),
        attempts=queries.attempts(session, job.owner, job.id),
        artifacts=queries.artifacts(session, job.owner, job.id),
        log=tuple(LogLine(event, describe_event(event.data)) for event in reversed(recorded)),
        cut=queries.cuts_of_jobs(session, [job.id]).get(job.id),
        zoo_slug=zoo.slug_of(session, job.id),
        resumable_bytes=attempt_files.block_bytes(session, job.id),
    )


def _stages(job: Job, spec: JobSpec, events: Sequence[Event]) -> tuple[StageView, ...]:
    """Return all stages of a job, whichever attempt finished them: one that resumes starts later.

    Few jobs are cut, trained or timed, so the stages for that are shown only where they are
    asked for. A gradient job neither prunes nor evaluates.
    """
    finished = {event.data.stage: event.data for event in events if isinstance(event.data, StageFinished)}
    hidden = _hidden_stages(spec)
    return tuple(_stage(job, stage, finished.get(stage)) for stage in Stage if not hidden.get(stage))


def _hidden_stages(spec: JobSpec) -> dict[Stage, bool]:
    return {
        Stage.CUT: spec.recipe.structure is None,
        Stage.RECOVER: spec.recipe.distil is None,
        Stage.PRUNE: bool(spec.recipe.norms),
        Stage.EVALUATE: bool(spec.recipe.norms),
        Stage.EXPORT: not spec.exports,
        Stage.SPEED: bool(spec.recipe.norms) or not spec.evaluation.measures_speed(spec.recipe.structure),
    }


def _stage(job: Job, stage: Stage, finished: StageFinished | None) -> StageView:
    status = _status(job, stage, finished is not None)
    if finished is None:
        return StageView(stage, status, None, None)
    return StageView(stage, status, finished.seconds, finished.peak_memory_bytes)


def _status(job: Job, stage: Stage, finished: bool) -> StageStatus:
    if job.stage is None:
        return "waiting"
    if stage == job.stage and job.state != JobState.SUCCEEDED:
        return "active" if job.state in HELD else "stopped"
    if finished:
        return "done"
    # Skipped without an event, as by a method that uses no gradients.
    return "skipped" if _STAGE_ORDER[stage] < _STAGE_ORDER[Stage(job.stage)] else "waiting"
