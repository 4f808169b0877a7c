"""Pruning methods, one per file: the formula as a function of tensors, and a `Method` that applies it.

To add one, see "Add a method" in CONTRIBUTING.md.
"""

from pruning.methods.base import LayerStats, Method, PrunedMatrix, ScoringMethod, method_for

__all__ = ["LayerStats", "Method", "PrunedMatrix", "ScoringMethod", "method_for"]
