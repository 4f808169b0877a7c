"""What a run needs, found and checked before the first expensive step."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

from pruning.allowed_roots import Roots, real_file
from pruning.blockwise.prune import prunable_stack
from pruning.checkpoint.checkpoint import Checkpoint, resolve
from pruning.data.calibration import CalibrationSet, calibration_set
from pruning.data.windows import Reader
from pruning.evaluation.perplexity import EvaluationSet, evaluation_sets
from pruning.evaluation.zero_shot import Tasks
from pruning.gradients.file import GradientFile
from pruning.model.blocks import find_stack
from pruning.model.placement import Placement
from pruning.recipe import Evaluation, GradientNorm, ModelReference, Recipe, content_name, is_local
from pruning.report.schema import CalibrationFacts, DatasetFacts, ModelFacts
from pruning.runtime.device import compute_dtype, experts_implementation


@dataclass(frozen=True)
class Plan:
    """A recipe with everything it refers to, known to fit together."""

    recipe: Recipe
    evaluation_request: Evaluation
    checkpoint: Checkpoint
    blocks: int
    calibration: CalibrationSet | None  # None for a recipe that reads no text
    evaluations: tuple[EvaluationSet, ...]  # at least one; the first is the one that counts
    tasks: Tasks | None  # None where no task is asked for
    tokenizer: PreTrainedTokenizerBase
    gradient_file: GradientFile | None  # None where gradients are to be computed, or not needed
    device: torch.device
    dtype: torch.dtype  # of the computation

    @classmethod
    def make(
        cls,
        recipe: Recipe,
        evaluation: Evaluation,
        roots: Roots,
        hub_token: str | None,
        device: torch.device,
        *,
        model: ModelReference,
    ) -> Self:
        """Find the model and the texts, the cheapest checks first. Raises InvalidInput and Unreachable.

        `model`: the recipe's, or the commit that it meant when the run began.
        """
        checkpoint = resolve(model, roots=roots.models, hub_token=hub_token)
        stack = prunable_stack(checkpoint.skeleton, recipe)
        reader = Reader(
            tokenizer=checkpoint.tokenizer(),
            vocabulary=checkpoint.config.get_text_config().vocab_size,
            context_length=checkpoint.context_length,
            roots=roots.data,
        )
        return cls(
            recipe=recipe,
            evaluation_request=evaluation,
            checkpoint=checkpoint,
            blocks=len(stack.blocks),
            calibration=calibration_set(recipe.calibration, reader) if recipe.needs else None,
            evaluations=evaluation_sets(evaluation, reader),
            tasks=Tasks(evaluation, roots.tasks) if evaluation.tasks else None,
            tokenizer=reader.tokenizer,
            gradient_file=_gradient_file(recipe, checkpoint, roots),
            device=device,
            dtype=compute_dtype(recipe.dtype, checkpoint.stored_dtype, device),
        )

    @property
    def windows(self) -> Tensor | None:
        """The calibration windows: int64 (samples, length)."""
        return self.calibration.windows if self.calibration else None

    @property
    def norms(self) -> frozenset[GradientNorm]:
        """The gradient norms that the recipe uses."""
        return self.recipe.gradient_norms

    @property
    def gradient_warnings(self) -> tuple[str, ...]:
        """What a reader must know of gradients that were not computed by this run."""
        if self.gradient_file is None or self.calibration is None:
            return ()
        if self.gradient_file.provenance.calibration == self.calibration.fingerprint:
            return ()
        return ("the gradients were computed on other calibration windows than the inputs were measured on",)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the measurements must know."""
        sets = self.calibration.sets if self.calibration else ()
        datasets = {drawn.share.dataset for drawn in sets}
        calibrated_on = {dataset for dataset in datasets if is_local(dataset) or content_name(dataset)}
        shared = [Path(text.dataset).name for text in self.evaluations if text.dataset in calibrated_on]
        if shared:
            return (
                f"the perplexity on {', '.join(shared)} was measured on text that the model was calibrated "
                "on; it says little about other texts",
            )
        return ()

    @cached_property
    def model_facts(self) -> ModelFacts:
        """The dense model, for the report."""
        return ModelFacts(
            id=self.checkpoint.id,
            commit=self.checkpoint.commit,
            digest=self.checkpoint.digest,
            architecture=self.checkpoint.architecture,
            parameters=sum(parameter.numel() for parameter in self.checkpoint.skeleton.parameters()),
            blocks=self.blocks,
        )

    @cached_property
    def calibration_facts(self) -> CalibrationFacts | None:
        """The calibration windows, for the report."""
        if self.calibration is None:
            return None
        windows = self.calibration.windows
        return CalibrationFacts(
            sets=tuple(
                DatasetFacts(
                    dataset=drawn.share.dataset,
                    weight=drawn.share.weight,
                    windows=drawn.windows.shape[0],
                    fingerprint=drawn.fingerprint,
                    notes=drawn.notes,
                )
                for drawn in self.calibration.sets
            ),
            windows=windows.shape[0],
            sequence_length=windows.shape[1],
            tokens=windows.numel(),
            fingerprint=self.calibration.fingerprint,
        )

    def placement(self) -> Placement:
        """The dense model, frozen and in eval mode, for bringing its parts to where they compute.

        On the host, mapped into memory; but in the dtype of the computation where its weights are stored in
        several, so that none loses precision on the way.
        """
        model = self.checkpoint.load(self._dtype_on_host, torch.device("cpu"), computes_in=self.dtype)
        return Placement(model, self.device, self.dtype)

    def pruned_placement(self, directory: Path) -> Placement:
        """The pruned model as a user would load it from the directory that it was written to."""
        model = AutoModelForCausalLM.from_pretrained(
            directory,
            dtype=self._dtype_on_host,
            experts_implementation=experts_implementation(self.dtype),
            local_files_only=True,
        )
        assert isinstance(model, PreTrainedModel)  # noqa: S101 - what AutoModelForCausalLM promises
        return Placement(model.requires_grad_(False).eval(), self.device, self.dtype)

    @property
    def _dtype_on_host(self) -> torch.dtype:
        stored = {tensor.dtype for tensor in self.checkpoint.stored.values() if tensor.is_floating_point()}
        return self.checkpoint.stored_dtype if len(stored) == 1 else self.dtype


def _gradient_file(recipe: Recipe, checkpoint: Checkpoint, roots: Roots) -> GradientFile | None:
    if recipe.gradients is None:
        return None
    return GradientFile.open(
        real_file(Path(recipe.gradients), roots.data, field="gradients"),
        model=checkpoint.identity,
        layers={
            layer.name: (layer.outputs, layer.inputs) for layer in find_stack(checkpoint.skeleton).layers
        },
        norms=recipe.gradient_norms,
    )
