"""Search: what each layer adds to the first pruned model's loss, and the targets that follow from it."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from pruning.blockwise.results import Pruned, Targets
from pruning.gradients.gradient_pass import GradientPass, Objective
from pruning.gradients.schedule import ScheduleChoice
from pruning.masks.patterns import LayerTarget
from pruning.model.selection import stack_of_layers
from pruning.output.writer import write_model
from pruning.recipe import GradientNorm, Stage
from pruning.resume.hashed_file import HashedFile
from pruning.resume.store import NumericsKey, ResumeStore
from pruning.search.divergence import divergence, final_states
from pruning.search.shares import shares_of
from pruning.search.targets import moved
from pruning.stages.models import LoadedModel, ResolvedModel
from pruning.stages.recorder import Step

_RESULT = -1
"""The block number of the targets in the resume store. Those of blocks are their shares."""

_SHARES: GradientNorm = "shares"


@dataclass(frozen=True)
class SearchedTargets:
    """What a search has found."""

    targets: Targets
    loss: float
    """The sum of all layers' shares: about KL(dense ‖ pruned) of the first pruned model, nats per token."""

    @property
    def numerics_key(self) -> NumericsKey:
        """Which targets these are."""
        return {"searched targets": hashlib.sha256(self.to_json().encode()).hexdigest()}

    def to_json(self) -> str:
        """Return JSON from which floats come back bit for bit."""
        targets = {name: asdict(target) for name, target in self.targets.items()}
        return json.dumps({"targets": targets, "loss": self.loss})

    @classmethod
    def from_json(cls, text: str) -> "SearchedTargets":
        """Undo `to_json`."""
        stored = json.loads(text)
        targets = {name: LayerTarget(**target) for name, target in stored["targets"].items()}
        return cls(targets, stored["loss"])


class ShareStage:
    """Takes one pass with gradients over the first pruned model, and moves zeros by what it finds."""

    name: ClassVar[Stage] = Stage.SEARCH

    def __init__(
        self,
        model: ResolvedModel,
        dense: LoadedModel,
        windows: Tensor,
        *,
        trial: Pruned,
        trial_key: NumericsKey,
        schedule: ScheduleChoice,
        deterministic: bool,
        resume_store: ResumeStore,
    ) -> None:
        """`model`, `dense`: the dense one. `windows`: of text that it was not calibrated on.

        `trial`: the first pruned model, and `trial_key` all that decides its last bits.
        """
        self._model, self._dense, self._windows = model, dense, windows
        self._trial, self._trial_key = trial, trial_key
        self._schedule, self._deterministic = schedule, deterministic
        self._resume_store = resume_store
        self._states: dict[bytes, Tensor] = {}
        self._pass = self._pass_over(dense)  # as that over the pruned model, whose sizes are the same

    def prepare(self) -> int:
        """Return the steps of the pass."""
        return self._pass.steps

    def run(self, step: Step) -> SearchedTargets:
        """Return the targets, of an earlier attempt if it has found them.

        Raises NumericalFailure where the loss or its gradients are of no use.
        """
        found = self._resume_store.begin(Stage.SEARCH, self._pass.numerics_key)
        if _RESULT in found:
            step(self._pass.steps, self._pass.steps)
            return SearchedTargets.from_json(found[_RESULT].path.read_text())
        self._states |= final_states(self._dense.stack, self._windows, self._dense.placement)
        searched = self._moved(self._shares(step))
        path = self._resume_store.directory(Stage.SEARCH) / "targets.json"
        path.write_text(searched.to_json())
        # A pass that ran out of memory has changed its micro-batch.
        self._resume_store.begin(Stage.SEARCH, self._pass.numerics_key)
        self._resume_store.commit(Stage.SEARCH, _RESULT, HashedFile.of(path))
        return searched

    def _shares(self, step: Step) -> Tensor:
        """Return each layer's share of each window's loss: (layers, windows), in nats per token."""
        with self._pruned() as pruned:
            self._pass = self._pass_over(pruned)
            try:
                shares = self._pass.run(step, self._resume_store)[_SHARES]
                return torch.stack([shares[layer.name].cpu() for layer in self._trial.layers])
            finally:
                pruned.placement.end_stage()

    def _moved(self, shares: Tensor) -> SearchedTargets:
        layers = self._trial.layers
        targets = {
            layer.name: LayerTarget("unstructured", count / layer.weights, zeros=count)
            for layer, count in zip(layers, moved(layers, shares), strict=True)
        }
        return SearchedTargets(targets, float(shares.mean(dim=1).sum()))

    @contextmanager
    def _pruned(self) -> Iterator[LoadedModel]:
        """Write the pruned model, and load it; it may be larger than the memory."""
        directory = self._resume_store.directory(Stage.SEARCH) / "pruned"
        shutil.rmtree(directory, ignore_errors=True)  # left by a run that was killed
        directory.mkdir()
        try:
            yield self._loaded(directory)
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def _loaded(self, directory: Path) -> LoadedModel:
        write_model(self._dense.checkpoint, self._trial, directory, save_masks=False)
        placement = self._model.place_pruned(directory)
        return LoadedModel(
            self._dense.checkpoint, placement, stack_of_layers(placement.model, self._model.layers)
        )

    def _pass_over(self, model: LoadedModel) -> GradientPass:
        dense = self._dense
        return GradientPass(
            model.placement,
            self._windows,
            norms=Objective(
                _SHARES, divergence(self._states), shares_of(dense.stack, dense.placement), Stage.SEARCH
            ),
            stack=model.stack,
            schedule=self._schedule,
            deterministic=self._deterministic,
            model_key=self._trial_key,
        )
