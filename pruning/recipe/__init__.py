"""The recipe: everything that decides the pruned weights, as plain validated values.

This package is the one part of `pruning` that the rest of the service imports. It needs no torch, so the API
and the dispatcher can read, check and fingerprint a recipe on a machine that could not run it.
"""

from pruning.recipe.allocation import Allocation, AllocationOptions, GradientGuided, Owl, Uniform
from pruning.recipe.calibration import Calibration, Share, WeightedDataset
from pruning.recipe.evaluation import Evaluation
from pruning.recipe.fields import (
    BUILTIN,
    HUB_DATASETS,
    Dataset,
    ModelReference,
    Pattern,
    StrictModel,
    Text,
    content_name,
    group_of,
    is_local,
    is_stored,
    is_upload,
)
from pruning.recipe.methods import (
    METHODS,
    Admm,
    Gblm,
    Gradient,
    GradientNorm,
    Magnitude,
    Method,
    MethodOptions,
    Need,
    Ria,
    RowSelection,
    SparseGpt,
    Wanda,
)
from pruning.recipe.presets import BEST
from pruning.recipe.recipe import ComputeDtype, Recipe
from pruning.recipe.refit import Refit, RefitOptions
from pruning.recipe.selection import LayerSelection
from pruning.recipe.stages import Stage

__all__ = [
    "BEST",
    "BUILTIN",
    "HUB_DATASETS",
    "METHODS",
    "Admm",
    "Allocation",
    "AllocationOptions",
    "Calibration",
    "ComputeDtype",
    "Dataset",
    "Evaluation",
    "Gblm",
    "Gradient",
    "GradientGuided",
    "GradientNorm",
    "LayerSelection",
    "Magnitude",
    "Method",
    "MethodOptions",
    "ModelReference",
    "Need",
    "Owl",
    "Pattern",
    "Recipe",
    "Refit",
    "RefitOptions",
    "Ria",
    "RowSelection",
    "Share",
    "SparseGpt",
    "Stage",
    "StrictModel",
    "Text",
    "Uniform",
    "Wanda",
    "WeightedDataset",
    "content_name",
    "group_of",
    "is_local",
    "is_stored",
    "is_upload",
]
