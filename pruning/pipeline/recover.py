"""Recover: train the kept weights of the pruned model on disk, and write them where they improved."""

import json
import logging
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import ClassVar

import torch
from safetensors import safe_open

from pruning.checkpoint.checkpoint import Checkpoint
from pruning.data.training import TrainingText
from pruning.errors import PruningError
from pruning.estimate.training_memory import TrainingMemory
from pruning.methods.results import Pruned
from pruning.models.blocks import find_stack, stack_of_layers
from pruning.output.writer import write_trained
from pruning.pipeline.models import ResolvedModel
from pruning.pipeline.recorder import RunContext
from pruning.progress import Step
from pruning.recipe import DistilOptions, Recipe, Stage
from pruning.recovery.distil import CurvePoint, Distillation, Distilled, Plan, TrainingBoundary
from pruning.recovery.optimizer import RATE
from pruning.recovery.parameters import TrainedParameters, trainable_parameters, with_rates
from pruning.report import JudgementFacts, TrainingFacts
from pruning.resume.hashed_file import HashedFile, save_tensors
from pruning.resume.store import NumericsKey
from pruning.runtime.determinism import (
    deterministic_algorithms,
    has_no_deterministic_algorithm,
    refuse_variable_workspace,
)
from pruning.runtime.device import is_out_of_memory, release_memory
from pruning.runtime.process_memory import trim_heap

log = logging.getLogger(__name__)

_RESULT = 0
"""The block number of the trained weights in the resume store; the state of a training has its step's."""

_CURVE = "curve"


@dataclass(frozen=True)
class RecoveryInputs:
    """How the whole pruned model is trained, and the text for it."""

    recipe: Recipe
    options: DistilOptions
    text: TrainingText
    memory: TrainingMemory


@dataclass(frozen=True)
class PrunedModel:
    """The model to train, on disk, and which of its weights are pruned."""

    checkpoint: Checkpoint  # of the model that was pruned, the dense one, or the smaller one after a cut
    masked: Pruned
    directory: Path


@dataclass(frozen=True)
class RecoveryOutcome:
    """The training for the report, and the identity of the weights on disk after it."""

    facts: TrainingFacts | None  # None for a recipe that does not train the whole model
    numerics_key: NumericsKey  # all that decides the last bits of results computed with them


class RecoverStage:
    """Trains the whole pruned model, from the state of an earlier attempt on this machine."""

    name: ClassVar[Stage] = Stage.RECOVER

    def __init__(
        self,
        model: ResolvedModel,
        inputs: RecoveryInputs,
        context: RunContext,
        *,
        pruned: PrunedModel,
        numerics_key: NumericsKey,
    ) -> None:
        """`model`: the dense one."""
        # On one device: a training does not share its blocks with others.
        self._model = replace(model, devices=model.devices[:1])
        self._recipe, self._options, self._text = inputs.recipe, inputs.options, inputs.text
        self._state, self._graphs = inputs.memory.state, inputs.memory.graphs
        self._checkpoint, self._masked, self._pruned = pruned.checkpoint, pruned.masked, pruned.directory
        self._deterministic = context.deterministic
        self._numerics_key, self._resume_store = numerics_key, context.resume_store

    def prepare(self) -> int:
        """Return the batches that run through the pruned model.

        Raises InvalidInput where the environment does not allow a deterministic training.
        """
        if self._deterministic:
            refuse_variable_workspace(self._model.device)
        return self._plan.passes

    def run(self, step: Step) -> RecoveryOutcome:
        """Train, write the weights if they improved, and return the training for the report.

        A training that runs out of memory goes on with the activations of one block. Raises NumericalFailure
        with the name of a parameter that becomes infinite, and PruningError with that of one whose pruned
        weights are no longer zero.
        """
        while True:
            try:
                trained = self._distilled(step)
                break
            except (RuntimeError, MemoryError, OSError) as error:
                if not self._relaxed_after(error):
                    raise
            release_memory()  # of the failed training
        distilled = _read(trained.path)
        _refuse_filled(distilled.weights, self._masked)
        write_trained(self._checkpoint, distilled.weights, self._pruned)
        key = {**self._numerics_key, "trained weights": trained.sha256}
        return RecoveryOutcome(self._facts(distilled), key)

    def _distilled(self, step: Step) -> HashedFile:
        """Return the result of an earlier attempt, or train."""
        stored = self._resume_store.begin(Stage.RECOVER, self._resume_key)
        if _RESULT in stored:
            step(self._plan.passes, self._plan.passes)
            return stored[_RESULT]
        directory = self._resume_store.directory(Stage.RECOVER)
        boundary = TrainingBoundary(
            self._resume_store.activation_checkpoint(Stage.RECOVER),
            directory / "best.safetensors",
            self._count_as_progress,
        )
        try:
            with deterministic_algorithms(self._model.device, enabled=self._deterministic):
                distilled = self._trained(step, boundary)
        finally:
            trim_heap()
        written = _write(distilled, directory / "trained.safetensors")
        self._resume_store.commit(Stage.RECOVER, _RESULT, written)
        boundary.drop()
        return written

    def _trained(self, step: Step, boundary: TrainingBoundary) -> Distilled:
        with ExitStack() as placed:
            dense, pruned = self._model.place_dense(), self._model.place_pruned(self._pruned)
            for placement in (dense, pruned):
                placed.enter_context(placement.stage())
            placed.enter_context(dense.resident_except(find_stack(dense.model).modules))
            placed.enter_context(pruned.resident(pruned.model))
            # Not those that the recipe was checked with: which blocks a cut keeps is known only after it.
            layers = frozenset(layer.name for layer in self._masked.layers)
            stack = stack_of_layers(pruned.model, layers)
            everything = self._recipe.structure is not None
            trainable = with_rates(trainable_parameters(self._recipe, stack, pruned.stored))
            self._checkpoint.layout.check(trainable)
            stored = self._checkpoint.narrowest_dtype
            trained = TrainedParameters(trainable, stored, state=self._state)
            training = Distillation(
                pruned,
                dense,
                trained,
                self._plan,
                rate=RATE,
                with_embeddings=everything,
                graphs=self._graphs,
            )
            return training.run(step, boundary)

    def _count_as_progress(self, step: int) -> None:
        """Commit a small file for a saved state, so that the job's next loss is the first in a row again."""
        path = self._resume_store.directory(Stage.RECOVER) / f"step-{step:08}.json"
        path.write_text(json.dumps({"step": step}))
        self._resume_store.commit(Stage.RECOVER, step, HashedFile.of(path))

    def _relaxed_after(self, error: BaseException) -> bool:
        """Relax the condition that made the training fail, and return whether to try again."""
        if self._deterministic and has_no_deterministic_algorithm(error):
            log.warning("training without deterministic algorithms: %s", error)
            self._deterministic = False
        elif is_out_of_memory(error) and self._graphs > 1:
            self._graphs = 1
        else:
            return False
        return True

    @property
    def _plan(self) -> Plan:
        text = self._text
        together = max(1, self._options.tokens_per_step // text.windows.shape[1])
        return Plan(text.windows, text.held_out, together)

    @property
    def _resume_key(self) -> NumericsKey:
        return {
            **self._numerics_key,
            "training text": self._text.fingerprint,
            "held-out text": self._text.held_out_fingerprint,
            "training rate": RATE,
            "training state": self._state,
            "training deterministic": self._deterministic,
        }

    def _facts(self, distilled: Distilled) -> TrainingFacts:
        text = self._text
        windows, length = text.windows.shape
        return TrainingFacts(
            datasets=text.datasets,
            windows=windows,
            sequence_length=length,
            tokens=windows * length,
            fingerprint=text.fingerprint,
            held_out_windows=len(text.held_out),
            held_out_articles=text.articles,
            held_out_fingerprint=text.held_out_fingerprint,
            steps=self._plan.steps,
            learning_rate=RATE,
            state=self._state,
            curve=tuple(
                JudgementFacts(
                    step=point.step,
                    tokens=point.tokens,
                    training_loss=point.training,
                    held_out_loss=point.held_out,
                )
                for point in distilled.curve
            ),
            kept_step=distilled.best.step,
        )


def _refuse_filled(weights: Mapping[str, torch.Tensor], masked: Pruned) -> None:
    """Raise PruningError where trained weights are not zero that the masks and the report say are pruned.

    `weights`: by the parameter's name, in the shape of its mask. One block's masks are in memory at a time.
    """
    for block in masked:
        for name in block.masks.keys() & weights.keys():
            filled = int(torch.count_nonzero(weights[name][block.masks[name]]))
            if filled:
                raise PruningError(
                    f"{name}: the training gave values to {filled} weights that were pruned, so its result "
                    "is not written; prune this model without recovery.distil, and report this"
                )


def _write(distilled: Distilled, path: Path) -> HashedFile:
    curve = json.dumps([asdict(point) for point in distilled.curve])
    return save_tensors(distilled.weights, path, {_CURVE: curve})


def _read(path: Path) -> Distilled:
    """Read what `_write` wrote."""
    with safe_open(path, framework="pt") as file:
        curve = tuple(CurvePoint(**point) for point in json.loads(file.metadata()[_CURVE]))
        weights: Mapping[str, torch.Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - safetensors' files cannot be iterated
    return Distilled(curve, weights)
