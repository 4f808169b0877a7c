"""The recipe: everything that decides the pruned weights, as plain validated values.

This package is the one part of `pruning` that the rest of the service imports. It needs no torch, so the API
and the scheduler can read, check and fingerprint a recipe on a machine that could not run it. The options of
each method are in `pruning.recipe.methods`, those of each allocation in `pruning.recipe.allocation`.
"""

from pruning.recipe.allocation import ALLOCATIONS, AllocationOptions
from pruning.recipe.calibration import Calibration, Share, WeightedDataset
from pruning.recipe.datasets import (
    DATASETS,
    Dataset,
    content_name,
    gradient_job,
    is_stored,
    is_upload,
)
from pruning.recipe.evaluation import Evaluation
from pruning.recipe.fields import (
    InWords,
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
    METHODS,
    GradientNorm,
    MethodOptions,
    Need,
    RowSelection,
    WeightNorm,
)
from pruning.recipe.presets import PRESETS
from pruning.recipe.recipe import (
    CHANNEL_KINDS,
    GRADIENTS_ONLY,
    STRUCTURE_ONLY,
    ChannelKind,
    ComputeDtype,
    Recipe,
)
from pruning.recipe.recovery import (
    DistilOptions,
    MomentsKind,
    RecoveryOptions,
)
from pruning.recipe.refit import RefitOptions
from pruning.recipe.selection import LayerSelection
from pruning.recipe.stages import Stage
from pruning.recipe.structure import StructureOptions
from pruning.recipe.units import UNIT_KINDS, UnitKind, UnitName

__all__ = [
    "ALLOCATIONS",
    "CHANNEL_KINDS",
    "DATASETS",
    "GRADIENTS_ONLY",
    "METHODS",
    "PRESETS",
    "STRUCTURE_ONLY",
    "UNIT_KINDS",
    "AllocationOptions",
    "Calibration",
    "ChannelKind",
    "ComputeDtype",
    "Dataset",
    "DistilOptions",
    "Evaluation",
    "GradientNorm",
    "InWords",
    "LayerSelection",
    "MethodOptions",
    "ModelReference",
    "MomentsKind",
    "Need",
    "Pattern",
    "Recipe",
    "RecoveryOptions",
    "RefitOptions",
    "RowSelection",
    "Share",
    "Stage",
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
    "is_stored",
    "is_upload",
    "refuse_unprintable",
]
