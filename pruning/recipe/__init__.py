"""The recipe: everything that decides the pruned weights, as plain validated values.

This package is the one part of `pruning` that the rest of the service imports. It needs no torch, so the API
and the dispatcher can read, check and fingerprint a recipe on a machine that could not run it.
"""

from pruning.recipe.evaluation import Evaluation
from pruning.recipe.fields import (
    BUILTIN,
    HUB_DATASETS,
    Dataset,
    Frozen,
    ModelReference,
    Pattern,
    Text,
    group_of,
    is_local,
)
from pruning.recipe.methods import (
    METHODS,
    Gblm,
    Gradient,
    GradientNorm,
    Magnitude,
    Method,
    MethodOptions,
    Wanda,
)
from pruning.recipe.recipe import Calibration, ComputeDtype, Recipe
from pruning.recipe.stages import Stage

__all__ = [
    "BUILTIN",
    "HUB_DATASETS",
    "METHODS",
    "Calibration",
    "ComputeDtype",
    "Dataset",
    "Evaluation",
    "Frozen",
    "Gblm",
    "Gradient",
    "GradientNorm",
    "Magnitude",
    "Method",
    "MethodOptions",
    "ModelReference",
    "Pattern",
    "Recipe",
    "Stage",
    "Text",
    "Wanda",
    "group_of",
    "is_local",
]
