"""Zero-shot tasks, by EleutherAI's lm-evaluation-harness on the models in memory.

The harness is an optional extra, and slow to import: nothing here touches it until tasks are asked for. The
definition of a task is code (its templates and `!function` tags do whatever they say), so a request can only
name tasks; which directories of definitions there are beside the harness's own is for the operator to say.
"""

import importlib.metadata
import importlib.util
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from pruning.errors import InvalidInput, NumericalFailure, PruningError, Unreachable
from pruning.recipe import Evaluation
from pruning.report.schema import TaskFacts, ZeroShotFacts

_FIELD = "evaluation.tasks"
_BATCH_SIZE = 8  # fixed, because how requests are padded decides how they round


@dataclass(frozen=True)
class Score:
    """What one model reached in one task by one metric."""

    task: str
    version: str
    metric: str  # such as acc_norm
    examples: int | None  # None for a group of tasks
    value: float
    error: float | None  # the standard error, where the harness gives one


class Tasks:
    """The tasks of an evaluation, known to exist and to have their data."""

    def __init__(self, evaluation: Evaluation, directories: Sequence[Path]) -> None:
        """Find the tasks among the harness's own and those that are defined in `directories`.

        Raises InvalidInput where the harness is not installed, or naming the task that is unknown;
        Unreachable naming the task whose data cannot be loaded.
        """
        self.names = evaluation.tasks
        self._limit = evaluation.task_limit
        self._manager = _manager(directories)
        for number, name in enumerate(self.names):
            if name not in self._manager.task_index:  # the harness itself would take a path, or a wildcard
                raise InvalidInput(
                    f"{name} is no task of lm-evaluation-harness {_version()}, nor one that is defined here",
                    field=f"{_FIELD}.{number}",
                )
            try:
                self._manager.load([name])
            except Exception as error:  # a task is code of others, with failures of its own
                raise Unreachable(
                    f"the task {name} could not be loaded with its data ({type(error).__name__}); check the "
                    "network, or define the task on local files",
                    field=f"{_FIELD}.{number}",
                ) from error

    def scores(
        self,
        number: int,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        check: Callable[[], None],
    ) -> tuple[Score, ...]:
        """What `model` reaches in one of the tasks, without an example in the prompt.

        `check` is called before each forward pass; what it raises ends the measurement. Raises InvalidInput
        where the task cannot be put to such a model, NumericalFailure where a score is not finite.
        """
        from lm_eval.evaluator import simple_evaluate
        from lm_eval.models.huggingface import HFLM

        watch = _Watch(check)
        hook = model.register_forward_pre_hook(watch)
        try:
            found = simple_evaluate(
                HFLM(pretrained=model, tokenizer=tokenizer, batch_size=_BATCH_SIZE),
                tasks=[self.names[number]],
                task_manager=self._manager,
                num_fewshot=0,
                limit=self._limit,
                log_samples=False,
            )
        except Exception as error:
            if watch.raised or isinstance(error, PruningError):
                raise
            raise InvalidInput(
                f"the task {self.names[number]} cannot be put to this model ({type(error).__name__})",
                field=f"{_FIELD}.{number}",
            ) from error
        finally:
            hook.remove()
        return tuple(_scores(found))


class _Watch:
    """Calls `check` at every forward pass, and remembers that it raised."""

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self.raised = False

    def __call__(self, *_: object) -> None:
        self.raised = True
        self._check()
        self.raised = False


def side_by_side(dense: Sequence[Score], pruned: Sequence[Score]) -> ZeroShotFacts:
    """The scores of both models, for the report."""
    facts = (
        TaskFacts(
            task=before.task,
            version=before.version,
            metric=before.metric,
            examples=before.examples,
            dense=before.value,
            pruned=after.value,
            dense_error=before.error,
            pruned_error=after.error,
        )
        for before, after in zip(dense, pruned, strict=True)
    )
    return ZeroShotFacts(harness=_version(), scores=tuple(facts))


def _manager(directories: Sequence[Path]) -> Any:  # noqa: ANN401 - the harness may not be there to name its type
    if importlib.util.find_spec("lm_eval") is None:
        raise InvalidInput(
            "tasks need EleutherAI's lm-evaluation-harness, which is not installed here: "
            "install PruneServe with its extra `zero-shot`, or leave tasks out",
            field=_FIELD,
        )
    from lm_eval.tasks import TaskManager

    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    return TaskManager(include_path=[str(directory) for directory in directories])


def _version() -> str:
    return importlib.metadata.version("lm-eval")


def _scores(found: dict[str, Any]) -> list[Score]:
    """The numbers among the harness's results, whose keys read `acc_norm,none` and `acc_norm_stderr,none`."""
    scores = []
    for task, results in found["results"].items():
        for key, value in results.items():
            metric, comma, filtered = key.partition(",")
            if not comma or metric.endswith("_stderr") or not isinstance(value, int | float):
                continue
            if not math.isfinite(value):
                raise NumericalFailure(f"task {task}: {metric} is {value}; use dtype float32, or prune less")
            error = results.get(f"{metric}_stderr,{filtered}")
            scores.append(
                Score(
                    task=task,
                    version=str(found["versions"].get(task)),
                    metric=metric if filtered == "none" else f"{metric} ({filtered})",
                    examples=found["n-samples"].get(task, {}).get("effective"),
                    value=float(value),
                    error=float(error) if isinstance(error, int | float) else None,
                )
            )
    return scores
