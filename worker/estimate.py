"""How long a job will still take, from what it has done so far."""

import time
from collections.abc import Callable

from jobs.spec import JobSpec
from pruning.recipe import Stage

# What the dataset and the model decide is not known before they are read; these are the usual ones.
_USUAL_LENGTH = 2048
_USUAL_EVALUATION_TOKENS = 340_000


def stage_work(spec: JobSpec) -> dict[Stage, float]:
    """The work in each stage, in tokens that go forward through the model once.

    A backward pass with its weight gradients costs two forward passes. Pruning runs every window through each
    block twice, and evaluation measures two models.
    """
    calibration, evaluation = spec.recipe.calibration, spec.evaluation
    tokens = calibration.samples * (calibration.sequence_length or _USUAL_LENGTH)
    length = evaluation.sequence_length or _USUAL_LENGTH
    windows = evaluation.windows or _USUAL_EVALUATION_TOKENS / (evaluation.stride or length)
    evaluated = len(evaluation.texts) * windows * length
    needs = spec.recipe.needs
    return {
        Stage.GRADIENTS: 3.0 * tokens if "gradient_norms" in needs else 0.0,
        Stage.PRUNE: 2.0 * tokens if needs & {"input_norms", "second_moments"} else 0.0,
        Stage.EVALUATE: 2.0 * evaluated,
    }


class TimeLeft:
    """An estimate for the whole job: the current stage at its own pace, later ones at the pace of the job."""

    def __init__(self, work: dict[Stage, float], *, clock: Callable[[], float] = time.monotonic) -> None:
        """`work`: any unit, as long as it is the same for every stage."""
        self._ahead = dict(work)
        self._clock = clock
        self._seconds_done = 0.0
        self._work_done = 0.0
        self._work = 0.0
        self._started = clock()

    def stage_started(self, stage: Stage) -> None:
        """The stage is the current one."""
        self._work = self._ahead.pop(stage, 0.0)
        self._started = self._clock()

    def stage_finished(self) -> None:
        """The current stage is done."""
        if self._work:
            self._seconds_done += self._clock() - self._started
            self._work_done += self._work

    def after_step(self, done: int, steps: int) -> float | None:
        """Seconds that the job will still take. None: there is nothing yet to judge by."""
        share = done / steps
        if share == 0:
            return None
        elapsed = self._clock() - self._started
        left_here = elapsed / share - elapsed
        seconds, work = self._seconds_done, self._work_done
        if self._work:
            seconds, work = seconds + elapsed, work + self._work * share
        if not work:
            return None if any(self._ahead.values()) else left_here
        return left_here + seconds / work * sum(self._ahead.values())
