"""The report: measured facts about one run, enough to reproduce it. Plain values, no torch."""

import importlib.metadata
import platform
import re
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, computed_field

from pruning.recipe import UNITS_IN_WORDS, ChannelKind, Evaluation, Recipe, Stage, UnitKind
from pruning.version import pruneserve_version

FILE_NAME = "pruning_report.json"


class Facts(BaseModel):
    """An immutable part of the report. Unknown fields are ignored: a report may be of another version."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)


class ModelFacts(Facts):
    """The dense model."""

    id: str = Field(description="A Hub id or a path.")
    commit: str | None = Field(description="The Hub commit; null for a local directory.")
    digest: str | None = Field(description="Digest of a local directory's content; null for a Hub model.")
    architecture: str = Field(description="The architecture, as the config names it.")
    parameters: int = Field(description="Number of parameters of the whole model.")
    blocks: int = Field(description="Number of decoder blocks.")


class DatasetFacts(Facts):
    """The windows that came from one dataset."""

    dataset: str = Field(description="The dataset, as the recipe names it.")
    weight: float = Field(description="The weight that the recipe gives it, relative to the other datasets'.")
    windows: int = Field(description="Number of windows from this dataset.")
    fingerprint: str = Field(description="SHA-256 over the token ids.")
    notes: tuple[str, ...] = Field(
        description="How the windows were drawn, where they were not drawn in the usual way."
    )


class CalibrationFacts(Facts):
    """The token windows on which activations and gradients were measured."""

    sets: tuple[DatasetFacts, ...] = Field(description="The datasets, in the order of their windows.")
    windows: int = Field(description="Number of windows in all.")
    sequence_length: int = Field(description="Number of tokens per window.")
    tokens: int = Field(description="Number of tokens in all windows.")
    fingerprint: str = Field(description="SHA-256 over the token ids of all sets.")


class PerplexityFacts(Facts):
    """Perplexity before and after, measured by the same code on the same windows."""

    dense: float = Field(description="Perplexity of the dense model.")
    pruned: float = Field(description="Perplexity of the pruned model.")
    cut_short: bool = Field(
        False, description="The measurement ended early at the limit: the pruned perplexity is at least this."
    )
    kl: float | None = Field(
        None,
        description="How far the pruned model's predictions are from the dense model's: the mean over the "
        "predicted tokens of KL(dense ‖ pruned), in nats. Null where the measurement ended early, and for a "
        "model whose logits at a position depend on more than the last block's output there.",
    )
    agreement: float | None = Field(
        None,
        description="The share of the predicted tokens for which both models find the same one most "
        "probable. Null where `kl` is.",
    )
    definition: str = Field(description="How the perplexity is computed.")
    dataset: str = Field(description="The text, as the recipe names it.")
    windows: int = Field(description="Number of windows that were measured.")
    sequence_length: int = Field(description="Number of tokens per window.")
    stride: int = Field(description="Tokens from the start of one window to that of the next.")
    fingerprint: str = Field(description="SHA-256 over the token ids.")

    @computed_field(description="Relative increase: 0.1 means 10 % above the dense perplexity.")  # type: ignore[prop-decorator]
    @property
    def increase(self) -> float:
        """The relative increase of the perplexity by pruning."""
        return self.pruned / self.dense - 1


class TaskFacts(Facts):
    """The scores of both models in one task by one metric."""

    task: str = Field(description="The name of the task.")
    version: str = Field(description="Version of the task's definition.")
    metric: str = Field(description="The metric, such as `acc`.")
    examples: int | None = Field(description="Number of examples; null for a group of tasks.")
    dense: float = Field(description="The score of the dense model.")
    pruned: float = Field(description="The score of the pruned model.")
    dense_error: float | None = Field(
        description="Standard error of the dense model's score; null where the harness gives none."
    )
    pruned_error: float | None = Field(
        description="Standard error of the pruned model's score; null where the harness gives none."
    )


class ZeroShotFacts(Facts):
    """The scores by lm-evaluation-harness, without examples in the prompt."""

    harness: str = Field(description="Version of lm-evaluation-harness.")
    scores: tuple[TaskFacts, ...] = Field(description="One entry per task and metric.")


class LayerFacts(Facts):
    """One pruned weight matrix."""

    name: str = Field(description="The layer's name in the model.")
    block: int = Field(description="The decoder block, counted from 0.")
    shape: tuple[int, ...] = Field(description="The shape of the weight matrix.")
    zeros: int = Field(description="Number of weights that are zero.")
    weights: int = Field(description="Number of weights.")
    relative_error: float | None = Field(
        None,
        description="How far its outputs are from those of its dense weights on the same inputs: the "
        "Frobenius norm of the difference over that of the dense outputs. Over all calibration windows where "
        "the recipe measures second moments (sparsegpt, admm, any refit, swaps), over the first one where it "
        "measures input norms only (wanda, gblm, ria). Null for a method that measures no inputs, and for an "
        "expert that no token reached.",
    )

    swap_reduction: float | None = Field(
        None,
        description="By how much swaps have lowered the squared error of a row's outputs, relative to it: "
        "the median over rows. Null for a recipe without swaps.",
    )

    @computed_field  # type: ignore[prop-decorator]
    @property
    def sparsity(self) -> float:
        """The share of zeros."""
        return self.zeros / self.weights


class SparsityFacts(Facts):
    """The zeros by layer. Layers outside the decoder blocks are not pruned and not counted."""

    layers: tuple[LayerFacts, ...] = Field(
        description="Each pruned weight matrix, in the model's order; none for a recipe that masks nothing."
    )

    @computed_field  # type: ignore[prop-decorator]
    @property
    def overall(self) -> float:
        """The share of zeros over all pruned layers; 0 where there are none."""
        weights = sum(layer.weights for layer in self.layers)
        return sum(layer.zeros for layer in self.layers) / weights if weights else 0.0


class UnitFacts(Facts):
    """The units of one kind in each block, before and after."""

    kind: UnitKind = Field(description="What the units are.")
    dense: int = Field(description="Number of units in each block of the dense model.")
    requested: int = Field(description="Number that the recipe leaves, before it is rounded.")
    kept: int = Field(description="Number that is left in each block.")


class BlockUnits(Facts):
    """The units of one kind that are left in one block."""

    block: int = Field(description="The decoder block, counted from 0 among those that are left.")
    kind: UnitKind = Field(description="What the units are.")
    kept: str = Field(
        description="The numbers of the units that are left, counted from 0 in the dense block, as runs such "
        "as `0-5,7,9-12`."
    )


class DroppedBlock(Facts):
    """A block that was taken out."""

    block: int = Field(description="The decoder block, counted from 0 in the dense model.")
    kl: float = Field(
        description="KL divergence from the dense model without this block and those before it in the list, "
        "in nats per token of the windows that it was chosen by."
    )


class DepthFacts(Facts):
    """The blocks before and after."""

    dense: int = Field(description="Number of blocks of the dense model.")
    kept: str = Field(
        description="The numbers of the blocks that are left, counted from 0 in the dense model, as runs "
        "such as `0-5,7,9-12`."
    )
    dropped: tuple[DroppedBlock, ...] = Field(
        description="The blocks that were taken out, in the order in which they went."
    )


class StructureFacts(Facts):
    """What was taken out of the model before anything was masked."""

    depth: DepthFacts | None = Field(
        None, description="Which blocks are left; null where all are. Blocks go before other units."
    )
    units: tuple[UnitFacts, ...] = Field(description="One entry per kind of unit.")
    blocks: tuple[BlockUnits, ...] = Field(description="One entry per block and kind of unit.")
    block_share: float | None = Field(
        None,
        description="The share of the blocks' parameters that was taken out; null in earlier reports.",
    )
    dense_parameters: int = Field(description="Number of parameters of the dense model.")
    parameters: int = Field(description="Number of parameters of the smaller model.")
    dense_bytes: int = Field(description="Size of the dense model's weight files.")
    bytes: int = Field(description="Size of the smaller model's weight files.")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def left(self) -> str:
        """What is left, in words: `20 of 30 blocks; 1,152 of 1,536 MLP channels in each`."""
        parts = []
        if self.depth is not None:
            parts.append(f"{self.depth.dense - len(self.depth.dropped)} of {self.depth.dense} blocks")
        units = [f"{unit.kept:,} of {unit.dense:,} {UNITS_IN_WORDS[unit.kind]}" for unit in self.units]
        if units:
            having = " that has them" if self._in_some_blocks else ""
            parts.append(f"{', '.join(units)} in each{'' if self.depth else ' block'}{having}")
        return "; ".join(parts)

    @property
    def _in_some_blocks(self) -> bool:
        """Whether blocks lack units of a kind that others have, as first blocks without experts do."""
        having = {(of_block.block, of_block.kind) for of_block in self.blocks}
        count = max((block + 1 for block, _ in having), default=0)
        return any((block, unit.kind) not in having for unit in self.units for block in range(count))


class ChannelOrderFacts(Facts):
    """The channels of one kind in one block that were put in another order."""

    block: int = Field(description="The decoder block, counted from 0.")
    kind: ChannelKind = Field(description="What the channels are.")
    order: str = Field(
        description="The numbers that the channels have in the dense block, in their new order, separated by "
        "commas: of the MLP's channels, or of the values' outputs, head after head."
    )
    kept_before: float = Field(
        description="The share of the scores of the layer that reads them which the pattern keeps in the "
        "dense model's order."
    )
    kept_after: float = Field(description="The same in the new order.")


class LeftInOrderFacts(Facts):
    """Channels that stay in the dense model's order."""

    kind: ChannelKind = Field(description="What the channels are.")
    blocks: str = Field(description="The decoder blocks, as runs such as `0-5,7,9-12`.")
    reason: str = Field(description="Why they were not moved.")


class PermutationFacts(Facts):
    """In which order the pruned model has its channels. In it, the dense model computes the same."""

    blocks: tuple[ChannelOrderFacts, ...] = Field(description="One entry per block and kind of channels.")
    left: tuple[LeftInOrderFacts, ...] = Field(description="What was not moved, by kind and reason.")


class JudgementFacts(Facts):
    """The state of a training after one of its steps."""

    step: int = Field(description="The optimiser step; 0 is before the training.")
    tokens: int = Field(description="Tokens trained on so far.")
    training_loss: float | None = Field(
        description="Mean loss of the steps since the last judgement, in nats; null before the first step."
    )
    held_out_loss: float = Field(
        description="Loss on the held-out windows, in nats, with weights rounded to the checkpoint's dtype."
    )


class TrainedBlockFacts(Facts):
    """The training of one block towards the dense block's output."""

    block: int = Field(description="The decoder block, counted from 0.")
    before: float = Field(
        description="The squared error of the block's output relative to its target's size, before the "
        "training: the mean over the tokens of the held-out windows."
    )
    after: float = Field(description="The same, of what was kept.")
    epoch: int = Field(description="The epoch that was kept; 0 where the block stayed as it was.")

    @computed_field(description="Whether no epoch improved the block, so that it stayed as it was.")  # type: ignore[prop-decorator]
    @property
    def fell_back(self) -> bool:
        """Whether no epoch improved the block, so that it stayed as it was."""
        return self.epoch == 0


class HeldOutFacts(Facts):
    """The windows by which the training of blocks was judged, of text that it was never trained on."""

    windows: int = Field(description="Number of windows, of the calibration's length.")
    articles: int = Field(
        description="Number of articles that these are from; 0 for parts of a text without articles that no "
        "calibration window has."
    )
    fingerprint: str = Field(description="SHA-256 over their token ids.")


class TrainingFacts(Facts):
    """A training of the whole pruned model."""

    datasets: tuple[str, ...] = Field(description="The texts that were trained on.")
    windows: int = Field(description="Number of windows that were trained on, those of all epochs.")
    sequence_length: int = Field(description="Number of tokens per window.")
    tokens: int = Field(
        description="Number of tokens that were trained on, with those that fill up windows of conversations."
    )
    fingerprint: str = Field(description="SHA-256 over the token ids that were trained on.")
    held_out_windows: int = Field(description="Number of windows of text that was never trained on.")
    held_out_articles: int = Field(
        description="Number of articles, or conversations, that these are from; 0 for the end of a text "
        "without articles."
    )
    held_out_fingerprint: str = Field(description="SHA-256 over the token ids of the held-out windows.")
    steps: int = Field(description="Number of optimiser steps.")
    learning_rate: float = Field(description="The highest learning rate.")
    curve: tuple[JudgementFacts, ...] = Field(description="The judgements, in the order of the steps.")
    kept_step: int = Field(
        description="The step with the lowest held-out loss, whose weights were kept; 0 where no step "
        "improved the model, so that it was left as it was."
    )

    @property
    def before(self) -> float:
        """The held-out loss before the training."""
        return self.curve[0].held_out_loss

    @property
    def after(self) -> float:
        """The held-out loss of what was kept."""
        return next(point.held_out_loss for point in self.curve if point.step == self.kept_step)


class RecoveryFacts(Facts):
    """What was trained after pruning: the result is no longer one-shot."""

    blocks: tuple[TrainedBlockFacts, ...] = Field(
        (), description="Each block in order, where blocks were trained."
    )
    blocks_held_out: HeldOutFacts | None = Field(
        None, description="What the blocks were judged by; null where none were trained."
    )
    distil: TrainingFacts | None = Field(
        None, description="The training towards the dense model's output; null where there was none."
    )

    @computed_field(description="Whether trained weights were kept.")  # type: ignore[prop-decorator]
    @property
    def is_trained(self) -> bool:
        """Whether any training improved the model, so that its weights are in the result."""
        of_blocks = any(block.epoch for block in self.blocks)
        return of_blocks or (self.distil is not None and self.distil.kept_step > 0)


class RateFacts(Facts):
    """Tokens per second of both models in one phase, at one batch size."""

    phase: Literal["prefill", "decode"] = Field(
        description="`prefill` reads a prompt; `decode` adds one token after the other to it."
    )
    batch: int = Field(description="Number of sequences at a time.")
    dense: float = Field(description="Tokens per second of the dense model, of all sequences together.")
    pruned: float = Field(description="Tokens per second of the pruned model.")
    speedup: float = Field(
        description="How many times as fast the pruned model is: the median over pairs of runs, in which the "
        "models take turns."
    )
    noise: float = Field(
        description="How far the same figure is from 1 for the dense model beside itself, measured first."
    )


class SpeedFacts(Facts):
    """The size of the result, and its speed on this machine, beside the dense model's."""

    dense_bytes: int = Field(description="Size of the dense model's weight files.")
    bytes: int = Field(description="Size of the pruned model's weight files.")
    speedup: float | None = Field(
        description="The lower of the speed-ups of prefill and decode of one sequence. 1 for a mask that was "
        "not measured; null for a smaller model that was not."
    )
    rates: tuple[RateFacts, ...] = Field((), description="What was measured; none where nothing was.")
    prompt: int | None = Field(None, description="Tokens of each prompt; null where nothing was measured.")
    generated: int | None = Field(None, description="Tokens added to each prompt in `decode`.")
    pairs: int | None = Field(None, description="Number of pairs of runs behind each median.")
    dense_peak_memory_bytes: int | None = Field(
        None,
        description="Memory of the dense model at the largest batch: its weights in the dtype of the "
        "computation, and the peak of what a prefill and a decode add to them.",
    )
    peak_memory_bytes: int | None = Field(None, description="The same of the pruned model.")
    note: str | None = Field(None, description="Why the figures are what they are, or why there are none.")

    @property
    def noise(self) -> float | None:
        """The largest noise of any rate; None where nothing was measured."""
        return max((rate.noise for rate in self.rates), default=None)


class StageFacts(Facts):
    """What one stage cost."""

    name: Stage = Field(description="The stage.")
    seconds: float = Field(description="Wall-clock time.")
    peak_memory_bytes: int = Field(
        description="Resident memory of the process, or allocated memory of the CUDA device that computed "
        "(of several, the one with most)."
    )


class Environment(Facts):
    """The environment of the run. Equal recipes give equal results on the same kind of device."""

    python: str = Field(description="Version of Python.")
    torch: str = Field(description="Version of PyTorch.")
    transformers: str = Field(description="Version of transformers.")
    pruneserve: str = Field(description="Version of PruneServe.")
    device: str = Field(description="`cpu`, or the CUDA device with its name; several are separated by `, `.")
    dtype: str = Field(description="Dtype of the computation; sums are float32 at least.")
    threads: int = Field(description="Threads that computed on the CPU.")
    attention: str = Field(description="The attention implementation.")
    schedule: Literal["whole", "streamed"] | None = Field(
        None, description="Schedule of the gradients; null where none were computed."
    )
    micro_batch: int | None = Field(None, description="Windows that shared a pass for the gradients.")
    deterministic: bool | None = Field(
        None,
        description="Whether another computation of the gradients here gives the same bits; null where none "
        "were computed.",
    )

    @property
    def device_names(self) -> str:
        """The devices as a run is told them: `cpu`, or `cuda:0,cuda:1`."""
        return ",".join(re.findall(r"(?:^|, )(cpu|cuda:\d+)", self.device))

    @classmethod
    def here(
        cls,
        *,
        device: str,
        dtype: str,
        threads: int,
        attention: str,
        schedule: Literal["whole", "streamed"] | None = None,
        micro_batch: int | None = None,
        deterministic: bool | None = None,
    ) -> Self:
        """Return the environment of this process: the installed versions and the given settings."""
        return cls(
            python=platform.python_version(),
            torch=importlib.metadata.version("torch"),
            transformers=importlib.metadata.version("transformers"),
            pruneserve=pruneserve_version(),
            device=device,
            dtype=dtype,
            threads=threads,
            attention=attention,
            schedule=schedule,
            micro_batch=micro_batch,
            deterministic=deterministic,
        )


class Report(Facts):
    """What a run did to a model and what it cost; `pruning_report.json` next to the pruned model."""

    recipe: Recipe = Field(description="What was pruned and how, with every default filled in.")
    recipe_fingerprint: str = Field(description="Equal fingerprints mean equal results.")
    evaluation: Evaluation = Field(description="How the quality was measured.")
    model: ModelFacts = Field(description="The model before pruning.")
    calibration: CalibrationFacts | None = Field(
        description="The calibration windows; null for a method that reads no text."
    )
    structure: StructureFacts | None = Field(
        None, description="What was taken out of the model; null for a recipe without `structure`."
    )
    permutation: PermutationFacts | None = Field(
        None, description="The new order of channels; null for a recipe without `permute`."
    )
    sparsity: SparsityFacts = Field(description="The zeros, by layer.")
    perplexity: PerplexityFacts = Field(description="Perplexity on the evaluation text.")
    further_perplexities: tuple[PerplexityFacts, ...] = Field(
        (), description="Perplexities on the further datasets."
    )
    zero_shot: ZeroShotFacts | None = Field(
        None, description="Zero-shot scores; null where no task was asked for."
    )
    recovery: RecoveryFacts | None = Field(
        None, description="What was trained after pruning; null for a one-shot result."
    )
    speed: SpeedFacts | None = Field(
        None, description="Size and speed beside the dense model; null in reports of earlier releases."
    )
    stages: tuple[StageFacts, ...] = Field(description="What each stage cost, in order.")
    environment: Environment = Field(description="Versions and device, as far as they affect the numbers.")
    gradients_reused: bool = Field(
        False, description="Whether the gradient norms came from an earlier job or attempt."
    )
    dense_perplexity_reused: bool = Field(
        False, description="Whether the dense perplexities came from an earlier job."
    )
    warnings: tuple[str, ...] = Field((), description="What the reader should know about the numbers.")
