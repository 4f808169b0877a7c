"""The report as a whole."""

from pydantic import Field

from pruning.recipe import Evaluation, Recipe
from pruning.report.changes import PermutationFacts, RecoveryFacts, SparsityFacts, StructureFacts
from pruning.report.exports import ExportFacts
from pruning.report.facts import (
    CalibrationFacts,
    Environment,
    ExpertTokensFacts,
    Facts,
    ModelFacts,
    PerplexityFacts,
    SpeedFacts,
    StageFacts,
    ZeroShotFacts,
)

FILE_NAME = "pruning_report.json"


class Report(Facts):
    """What a run did to a model and what it cost; `pruning_report.json` next to the pruned model."""

    recipe: Recipe = Field(description="What was pruned and how, with every default filled in.")
    recipe_fingerprint: str | None = Field(
        None,
        description="Equal fingerprints mean equal results; left out of the public report of a zoo entry "
        "whose recipe names a local path or an upload.",
    )
    evaluation: Evaluation = Field(description="How the quality was measured.")
    model: ModelFacts = Field(description="The model before pruning.")
    calibration: CalibrationFacts | None = Field(
        description="The calibration windows; null for a method that reads no text."
    )
    expert_tokens: tuple[ExpertTokensFacts, ...] = Field(
        (),
        description="The tokens that each expert saw of each dataset, when its inputs were first measured: "
        "in the cut, or else in the pruning. Only for several calibration datasets and routed experts.",
    )
    structure: StructureFacts | None = Field(
        None, description="What was taken out of the model; null for a recipe without `structure`."
    )
    permutation: PermutationFacts | None = Field(
        None, description="The new order of channels; null for a recipe without `permute`."
    )
    sparsity: SparsityFacts = Field(description="The zeros, by layer.")
    perplexity: PerplexityFacts = Field(description="Perplexity on the evaluation text.")
    domains: dict[str, PerplexityFacts] = Field(
        {}, description="What was measured on the text of each domain, by the domain's name."
    )
    zero_shot: ZeroShotFacts | None = Field(
        None, description="Zero-shot scores; null where no task was asked for."
    )
    recovery: RecoveryFacts | None = Field(
        None, description="What was trained after pruning; null for a one-shot result."
    )
    exports: tuple[ExportFacts, ...] = Field(
        (), description="The files for engines that were asked for, and what was measured of each."
    )
    speed: SpeedFacts | None = Field(
        None, description="Size and speed compared with the dense model; null where they were not measured."
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
