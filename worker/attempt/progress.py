"""Reports a run: events of its job, the time left, metrics of its stages, and lines of the log."""

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

import torch

from jobs.lifecycle.events import EventData, LogMessage, StageFinished, StageStarted, StepFinished
from jobs.monitoring.catalogue import COMPUTING_SECONDS, DEVICE_MEMORY, STAGE_SECONDS, TOKENS
from jobs.monitoring.logs import SecretRedactor
from jobs.monitoring.metrics import is_recording
from jobs.monitoring.traces import OpenSpan
from pruning.errors import InvalidInput
from pruning.recipe import Stage
from pruning.runtime.device import compute_devices
from worker.attempt.resources import held_bytes

# One pace holds for all stages that compute. Reading and writing files has a pace of its own.
_COMPUTING = frozenset(Stage) - {Stage.RESOLVE, Stage.UPLOAD}
_MAX_LINES = 100
_MAX_LINE_LENGTH = 500
_REPORTED_AS_EVENTS = "worker.run_job"  # how an attempt begins and ends, its events say
_LIMIT_REACHED = f"this attempt has logged {_MAX_LINES} lines; further ones are in the worker's log alone"
_SECONDS_BETWEEN_EVENTS = 1.0


class TimeLeft:
    """The time left of a whole job, in seconds.

    The current stage continues at its own pace, later ones at the pace of what has been computed so far.
    """

    def __init__(
        self, expected: Mapping[Stage, float], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`expected`: the estimated seconds by stage; empty where there is no estimate yet."""
        self._later = dict(expected)
        self._clock = clock
        self._stage: Stage | None = None
        self._expected = 0.0  # of the current stage
        self._started = clock()
        self._computed_seconds = 0.0
        self._computed_expected = 0.0

    def expect(self, expected: Mapping[Stage, float]) -> None:
        """Replace the estimates of the stages after the current one."""
        self._later = {stage: seconds for stage, seconds in expected.items() if stage != self._stage}

    def stage_started(self, stage: Stage) -> None:
        self._stage = stage
        self._expected = self._later.pop(stage, 0.0)
        self._started = self._clock()

    def stage_reused(self) -> None:
        """The current stage reuses earlier results, so its pace says nothing about the machine."""
        self._expected = 0.0

    def stage_finished(self) -> None:
        self._computed_seconds, self._computed_expected = self._computed(1.0)
        self._stage, self._expected = None, 0.0

    def after_step(self, done: int, steps: int) -> float | None:
        """Return the time that the job will still take. None: there is nothing to estimate it by."""
        share = done / steps
        computed, expected = self._computed(share)
        pace = computed / expected if computed and expected else 1.0
        later = sum(
            seconds * (pace if stage in _COMPUTING else 1.0) for stage, seconds in self._later.items()
        )
        elapsed = self._clock() - self._started
        if share:
            return elapsed / share - elapsed + later
        if self._expected:
            return self._expected * (pace if self._stage in _COMPUTING else 1.0) + later
        return later or None

    def _computed(self, share: float) -> tuple[float, float]:
        """Return the time that computing has taken so far, and the time that was estimated for it."""
        if self._stage not in _COMPUTING or not self._expected:
            return self._computed_seconds, self._computed_expected
        elapsed = self._clock() - self._started if share else 0.0
        return self._computed_seconds + elapsed, self._computed_expected + self._expected * share


class StageMetrics:
    """Records one run's stages. A step counts with its share of the stage's tokens."""

    def __init__(self, device: str) -> None:
        """`device`: as the settings name it."""
        self._setting = device
        self._device: str | None = None
        self._tokens: Mapping[Stage, int] = {}
        self._excluded: set[Stage] = set()
        self._done = 0
        self._at = 0.0

    def exclude(self, stage: Stage) -> None:
        """Count no tokens of a stage of which a part was computed before."""
        self._excluded.add(stage)

    def expect(self, tokens: Mapping[Stage, int]) -> None:
        """Count these tokens for a whole stage, now that the model's context is known."""
        self._tokens = tokens

    def began(self) -> None:
        self._done, self._at = 0, time.perf_counter()

    def stepped(self, stage: Stage, done: int, steps: int) -> None:
        """Count the tokens of the steps since the last one. A pass that starts again counts again."""
        before, began = self._done if self._done < done else 0, self._at
        self._done, self._at = done, time.perf_counter()
        new, tokens = done - before, self._tokens.get(stage)
        if is_recording() and tokens and steps and stage not in self._excluded:
            labels = {"stage": stage.value, "device": self.device}
            TOKENS.record(tokens * new / steps, **labels)
            COMPUTING_SECONDS.record(self._at - began, **labels)

    def ended(self, stage: Stage, seconds: float) -> None:
        if is_recording():
            STAGE_SECONDS.record(seconds, stage=stage.value, device=self.device)

    def memory(self) -> None:
        """Record what each GPU of this worker has in use, once this process uses one.

        No other GPU of the machine is asked: CUDA answers only after it has made a context there, which takes
        hundreds of megabytes of a device that may be another worker's, until this process ends.
        """
        if not is_recording() or not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            return
        for device in _gpus(self._setting):
            free, total = torch.cuda.mem_get_info(device)
            DEVICE_MEMORY.record(total - free, device=f"cuda:{device.index or 0}", what="used")
            DEVICE_MEMORY.record(total, device=f"cuda:{device.index or 0}", what="total")

    @property
    def device(self) -> str:
        """`cpu`, or the name of the GPU."""
        if self._device is None:
            self._device = _device_name(self._setting)
        return self._device


def _gpus(setting: str) -> list[torch.device]:
    try:
        return [device for device in compute_devices(setting) if device.type == "cuda"]
    except InvalidInput:
        return []


def _device_name(setting: str) -> str:
    try:
        first = compute_devices(setting)[0]
    except InvalidInput:
        return setting
    return torch.cuda.get_device_name(first) if first.type == "cuda" else first.type


_LIBRARY_PREFIX, _WORKER_PREFIX = "pruning.", "worker."


class LogLines(logging.Handler):
    """Collects what this process logs while it runs one attempt."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._redactor = SecretRedactor.for_this_process()
        self._pending: deque[str] = deque()
        self._count = 0

    def __enter__(self) -> Self:
        logging.getLogger().addHandler(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        logging.getLogger().removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line, unless an event says the same or it is for operators only. No traceback is kept."""
        important = record.name.startswith(_LIBRARY_PREFIX) or (
            record.levelno >= logging.WARNING and record.name.startswith(_WORKER_PREFIX)
        )
        if not important or record.name == _REPORTED_AS_EVENTS or self._count > _MAX_LINES:
            return
        self._count += 1
        line = self._redactor.redact(record.getMessage())
        short = line if len(line) <= _MAX_LINE_LENGTH else f"{line[:_MAX_LINE_LENGTH]} …"
        self._pending.append(
            _LIMIT_REACHED if self._count > _MAX_LINES else f"{record.levelname.lower()}: {short}"
        )

    def drain(self) -> list[str]:
        """Return the lines since the last call."""
        return [self._pending.popleft() for _ in range(len(self._pending))]


class JobProgress:
    """Implements `pruning.progress.Progress` for one attempt. Every call may raise an `Interrupted`."""

    def __init__(
        self,
        attempt: int,
        *,
        record: Callable[[EventData], None],
        check: Callable[[], None],
        metrics: StageMetrics,
        lines: LogLines,
    ) -> None:
        """`record` writes an event; `check` raises the reason to stop, if there is one.

        `lines`: of the log, which are recorded between two steps.
        """
        self._attempt = attempt
        self._metrics = metrics
        self._lines = lines
        self._span: OpenSpan | None = None
        self._record = record
        self._check = check
        self._time_left = TimeLeft({})
        self._reused: set[Stage] = set()
        self._last_step_event = float("-inf")

    def expect(self, seconds_by_stage: Mapping[Stage, float], tokens_by_stage: Mapping[Stage, int]) -> None:
        """Base the time left on an estimate, now that there is one. The tokens are for the metrics."""
        self._time_left.expect(seconds_by_stage)
        self._metrics.expect(tokens_by_stage)

    def reuse(self, stage: Stage) -> None:
        """Report that an earlier job or attempt has already computed the results of a stage."""
        self._reused.add(stage)
        self._metrics.exclude(stage)
        self.log(f"{stage}: reusing results computed before on the same model and windows")

    def resumed(self, stage: Stage) -> None:
        """Record that a stage continues from what an earlier attempt has finished."""
        self._metrics.exclude(stage)

    def block_finished(self, number: int) -> None:
        """Record that a block's file of this stage is durable. `number`: as the resume store has it."""
        if (span := self._span) is not None:  # another thread may write blocks
            span.part("block", number=number)

    def stopped(self) -> None:
        """End the span of the stage, whether or not it has finished."""
        if self._span is not None:
            self._span.end()
            self._span = None

    def record_log_lines(self, record: Callable[[EventData], object]) -> None:
        """Record the lines of the log since the last time."""
        for line in self._lines.drain():
            record(LogMessage(attempt=self._attempt, message=line))

    def log(self, message: str) -> None:
        """Write a message for display."""
        self._record(LogMessage(attempt=self._attempt, message=message))

    def stage_started(self, stage: Stage, steps: int) -> None:
        self._time_left.stage_started(stage)
        self._metrics.began()
        self.stopped()
        self._span = OpenSpan(f"stage {stage.value}", stage=stage.value)
        if stage in self._reused:
            self._time_left.stage_reused()
        self._record(StageStarted(attempt=self._attempt, stage=stage, steps=steps))

    def step_finished(self, stage: Stage, done: int, steps: int) -> None:
        """Write an event, but at most one per second before the last step: small models step far faster."""
        self._check()
        self._metrics.stepped(stage, done, steps)
        if done < steps and time.monotonic() - self._last_step_event < _SECONDS_BETWEEN_EVENTS:
            return
        self._last_step_event = time.monotonic()
        self._metrics.memory()
        if self._span is not None:
            self._span.part("steps", step=done, steps=steps)
        self.record_log_lines(self._record)
        self._record(
            StepFinished(
                attempt=self._attempt,
                stage=stage,
                step=done,
                steps=steps,
                seconds_left=self._time_left.after_step(done, steps),
                memory_bytes=held_bytes(),
            )
        )

    def stage_finished(self, stage: Stage, seconds: float, peak_memory_bytes: int) -> None:
        self._time_left.stage_finished()
        self.record_log_lines(self._record)
        self._metrics.ended(stage, seconds)
        self.stopped()
        self._metrics.memory()
        self._record(
            StageFinished(
                attempt=self._attempt, stage=stage, seconds=seconds, peak_memory_bytes=peak_memory_bytes
            )
        )
