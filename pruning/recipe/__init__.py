"""The recipe: everything that decides the pruned weights, as plain validated values.

It needs no torch, so the API and the scheduler can read, validate and fingerprint a recipe on a machine that
could not run it. The options of each method and allocation are in `pruning.recipe.methods`.
"""

from pruning.recipe.datasets import (
    DATASETS,
    Calibration,
    Dataset,
    Share,
    WeightedDataset,
    content_name,
    gradient_job,
    is_token_file,
    is_upload,
)
from pruning.recipe.evaluation import Evaluation
from pruning.recipe.fields import (
    ErrorMessage,
    LayerSelection,
    ModelReference,
    Pattern,
    StrictModel,
    Text,
    group_of,
    implies_sparsity,
    is_local,
    refuse_unprintable,
)
from pruning.recipe.methods import (
    ALLOCATIONS,
    METHODS,
    AllocationOptions,
    GradientNorm,
    MethodOptions,
    Need,
    RowSelection,
    WeightNorm,
)
from pruning.recipe.presets import PRESETS
from pruning.recipe.recipe import (
    CHANNEL_KINDS,
    NORMS_ONLY,
    STRUCTURE_ONLY,
    ChannelKind,
    ComputeDtype,
    Recipe,
    Stage,
    why_no_mask,
)
from pruning.recipe.recovery import DistilOptions, RecoveryOptions, RefitOptions, StateKind
from pruning.recipe.structure import StructureOptions
from pruning.recipe.units import UNIT_KINDS, UnitKind, UnitName

__all__ = [
    "ALLOCATIONS",
    "CHANNEL_KINDS",
    "DATASETS",
    "METHODS",
    "NORMS_ONLY",
    "PRESETS",
    "STRUCTURE_ONLY",
    "UNIT_KINDS",
    "AllocationOptions",
    "Calibration",
    "ChannelKind",
    "ComputeDtype",
    "Dataset",
    "DistilOptions",
    "ErrorMessage",
    "Evaluation",
    "GradientNorm",
    "LayerSelection",
    "MethodOptions",
    "ModelReference",
    "Need",
    "Pattern",
    "Recipe",
    "RecoveryOptions",
    "RefitOptions",
    "RowSelection",
    "Share",
    "Stage",
    "StateKind",
    "StrictModel",
    "StructureOptions",
    "Text",
    "UnitKind",
    "UnitName",
    "WeightNorm",
    "WeightedDataset",
    "content_name",
    "gradient_job",
    "group_of",
    "implies_sparsity",
    "is_local",
    "is_token_file",
    "is_upload",
    "refuse_unprintable",
    "why_no_mask",
]
