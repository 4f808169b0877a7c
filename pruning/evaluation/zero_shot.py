"""Zero-shot tasks, measured by EleutherAI's lm-evaluation-harness on models in memory.

The harness is an optional extra and slow to import, so it is imported only when tasks are asked for. The
definition of a task is code (templates, `!function` tags), so a request can only name tasks. The operator
configures which directories of definitions exist besides the harness's own. Of the harness's own, those are
refused that run their code on text which the model writes: the model is whatever the request names, and such
code goes as far as to evaluate the text (the math tasks of `score` do, by sympy's parse_expr).
"""

import importlib.metadata
import importlib.util
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from pruning.errors import InvalidInput, NumericalFailure, PruningError, Unreachable
from pruning.files.frozen_file import FrozenFile, freeze
from pruning.recipe import Evaluation
from pruning.report import TaskFacts, ZeroShotFacts
from pruning.report.intervals import MOST_KEPT, score_intervals

_FIELD = "evaluation.tasks"
_BATCH_SIZE = 8  # fixed: the padding of a batch decides how its scores round


@dataclass(frozen=True)
class Score:
    """The score of one model in one task by one metric."""

    task: str
    version: str
    metric: str  # such as acc_norm
    examples: int | None  # None for a group of tasks
    value: float
    error: float | None  # the standard error, where the harness gives one
    of_examples: Sequence[float] = ()  # none where the value is not their mean


class Tasks:
    """The tasks of an evaluation. They exist and their data could be loaded."""

    def __init__(self, evaluation: Evaluation, directories: Sequence[Path]) -> None:
        """Find the tasks among the harness's own and those defined in `directories`.

        Raises InvalidInput if the harness is not installed, or with the task that is unknown or refused;
        Unreachable with the task whose data cannot be loaded.
        """
        self.names = evaluation.tasks
        self.files = definitions(directories)
        """The operator's definitions and data, which must stay as they are until both models are measured."""
        self._limit = evaluation.task_limit
        self._manager = _manager(directories)
        for number, name in enumerate(self.names):
            if name not in self._manager.task_index:  # the harness itself would accept a path or a wildcard
                raise InvalidInput(
                    f"{name} is neither a task of lm-evaluation-harness {_version()} nor one defined by "
                    "the operator",
                    field=f"{_FIELD}.{number}",
                )
            try:
                loaded = self._manager.load([name])["tasks"]
            except Exception as error:  # a task is third-party code, which fails in its own ways
                raise Unreachable(
                    f"the task {name} could not be loaded with its data ({type(error).__name__})",
                    "check the network, or define the task on local files",
                    field=f"{_FIELD}.{number}",
                ) from error
            for leaf, task in loaded.items():
                if _has_code_for_written_text(task) and not self._is_defined_in(directories, name, leaf):
                    raise InvalidInput(
                        f"{leaf} runs code of its own on text that the model writes; an operator who trusts "
                        "all models with it can define it in a directory of tasks",
                        field=f"{_FIELD}.{number}",
                    )

    def _is_defined_in(self, directories: Sequence[Path], *names: str) -> bool:
        entries = (self._manager.task_index.get(name) for name in names)
        paths = [entry.yaml_path for entry in entries if entry is not None and entry.yaml_path is not None]
        return any(path.is_relative_to(directory) for path in paths for directory in directories)

    def scores(
        self,
        number: int,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        check: Callable[[], None],
    ) -> tuple[Score, ...]:
        """Measure `model` in one of the tasks, without examples in the prompt.

        `check` is called before each forward pass; an exception that it raises ends the measurement. Raises
        InvalidInput if the task does not work with this model, NumericalFailure if a score is not finite.
        """
        from lm_eval.evaluator import simple_evaluate
        from lm_eval.models.huggingface import HFLM

        watch = _ForwardCheck(check)
        hook = model.register_forward_pre_hook(watch)
        try:
            found = simple_evaluate(
                HFLM(pretrained=model, tokenizer=tokenizer, batch_size=_BATCH_SIZE),
                tasks=[self.names[number]],
                task_manager=self._manager,
                num_fewshot=0,
                limit=self._limit,
                log_samples=True,
            )
        except Exception as error:
            if watch.raised or isinstance(error, PruningError):
                raise
            raise InvalidInput(
                f"the task {self.names[number]} does not work with this model "
                f"({type(error).__name__}); leave it out",
                field=f"{_FIELD}.{number}",
            ) from error
        finally:
            hook.remove()
        return tuple(_scores(found))


class _ForwardCheck:
    """Forward hook that calls `check`, and remembers whether it raised."""

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self.raised = False

    def __call__(self, *_: object) -> None:
        self.raised = True
        self._check()
        self.raised = False


def _has_code_for_written_text(task: Any) -> bool:  # noqa: ANN401 - a task of the harness
    from lm_eval.api.task import ConfigurableTask

    if type(task) is not ConfigurableTask:  # a class of its own, which may let the model write in any task
        return True
    config = task.config
    return task.OUTPUT_TYPE == "generate_until" and _holds_a_function(
        [config.process_results, config.metric_list, config.filter_list]
    )


def _holds_a_function(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_a_function, value.values()))
    return any(map(_holds_a_function, value)) if isinstance(value, list) else callable(value)


def definitions(directories: Sequence[Path]) -> tuple[FrozenFile, ...]:
    """Freeze the files below directories of task definitions, but for what Python writes there by itself."""
    return tuple(
        freeze(path, None, field=_FIELD, name=path.relative_to(directory).as_posix())
        for directory in directories
        for path in sorted(directory.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    )


def side_by_side(dense: Sequence[Score], pruned: Sequence[Score]) -> ZeroShotFacts:
    """Combine the scores of both models for the report."""
    facts = tuple(_facts(before, after) for before, after in zip(dense, pruned, strict=True))
    return ZeroShotFacts(harness=_version(), scores=facts)


def _facts(dense: Score, pruned: Score) -> TaskFacts:
    interval, change = score_intervals(dense.of_examples, pruned.of_examples)
    return TaskFacts(
        task=dense.task,
        version=dense.version,
        metric=dense.metric,
        examples=dense.examples,
        dense=dense.value,
        pruned=pruned.value,
        dense_stderr=dense.error,
        pruned_stderr=pruned.error,
        interval=interval,
        outcomes=_outcomes(pruned.of_examples),
        change_interval=change,
    )


def _outcomes(scores: Sequence[float]) -> str | None:
    if not 0 < len(scores) <= MOST_KEPT or not {*scores} <= {0, 1}:
        return None
    return "".join(f"{score:.0f}" for score in scores)


def _manager(directories: Sequence[Path]) -> Any:  # noqa: ANN401 - the harness may not be there to name its type
    if importlib.util.find_spec("lm_eval") is None:
        raise InvalidInput(
            "tasks need EleutherAI's lm-evaluation-harness, which is not installed here: "
            "pip install 'lm-eval>=0.4.13', or leave tasks out",
            field=_FIELD,
        )
    from lm_eval.tasks import TaskManager

    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    return TaskManager(include_path=[str(directory) for directory in directories])


def _version() -> str:
    return importlib.metadata.version("lm-eval")


def _scores(found: dict[str, Any]) -> list[Score]:
    """Extract scores from results of the harness, whose keys are `acc_norm,none`, `acc_norm_stderr,none`."""
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
                    of_examples=_of_examples(found["samples"].get(task, ()), metric, filtered, value),
                )
            )
    return scores


def _of_examples(
    samples: Sequence[dict[str, Any]], metric: str, filtered: str, value: float
) -> tuple[float, ...]:
    """Return the score of each example; none where the task's is not their mean."""
    scores = [sample.get(metric) for sample in samples if sample["filter"] == filtered]
    numbers = tuple(float(score) for score in scores if isinstance(score, int | float))
    is_mean = 0 < len(numbers) == len(scores) and math.isclose(fmean(numbers), value, abs_tol=1e-9)
    return numbers if is_mean else ()
