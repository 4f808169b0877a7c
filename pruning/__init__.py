"""Prune large language models: the library behind PruneServe.

What is public is imported from here. Nothing is loaded before it is used: recipes, their options and the
errors need no torch, so a program that only describes or checks a recipe starts without it.

>>> from pruning import Recipe
>>> Recipe(model="org/name", method="gblm", pattern="2:4").sparsity
0.5
"""

from importlib import import_module
from typing import TYPE_CHECKING

from pruning.version import refuse_old_versions

if TYPE_CHECKING:
    from pruning.api import calibration_windows, gradient_norms, prune, prune_to_directory
    from pruning.errors import InvalidInput, NumericalFailure, PruningError, Unreachable
    from pruning.masks.patterns import LayerTarget
    from pruning.methods.base import LayerStats, Method, PrunedMatrix, ScoringMethod
    from pruning.methods.results import Pruned, PrunedLayer
    from pruning.output.mask_patch import apply_mask
    from pruning.recipe import (
        ALLOCATIONS,
        DATASETS,
        METHODS,
        AllocationOptions,
        Calibration,
        Evaluation,
        LayerSelection,
        MethodOptions,
        ModelReference,
        Recipe,
        RefitOptions,
    )
    from pruning.recovery.keep_zeros import KeepZeros
    from pruning.report import Report

__all__ = [
    "ALLOCATIONS",
    "DATASETS",
    "METHODS",
    "AllocationOptions",
    "Calibration",
    "Evaluation",
    "InvalidInput",
    "KeepZeros",
    "LayerSelection",
    "LayerStats",
    "LayerTarget",
    "Method",
    "MethodOptions",
    "ModelReference",
    "NumericalFailure",
    "Pruned",
    "PrunedLayer",
    "PrunedMatrix",
    "PruningError",
    "Recipe",
    "RefitOptions",
    "Report",
    "ScoringMethod",
    "Unreachable",
    "apply_mask",
    "calibration_windows",
    "gradient_norms",
    "prune",
    "prune_to_directory",
]

_MODULES = {
    "pruning.api": ("calibration_windows", "gradient_norms", "prune", "prune_to_directory"),
    "pruning.methods.results": ("Pruned", "PrunedLayer"),
    "pruning.errors": ("InvalidInput", "NumericalFailure", "PruningError", "Unreachable"),
    "pruning.recovery.keep_zeros": ("KeepZeros",),
    "pruning.masks.patterns": ("LayerTarget",),
    "pruning.output.mask_patch": ("apply_mask",),
    "pruning.report": ("Report",),
    "pruning.methods.base": ("LayerStats", "Method", "PrunedMatrix", "ScoringMethod"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    """Import a public name from where it is defined, when it is first used (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOME.get(name, "pruning.recipe")
    if home == "pruning.api":
        refuse_old_versions()
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
