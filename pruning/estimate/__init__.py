"""Estimates: memory, operations, time and size of a job, from the shape of its model and a machine alone.

Like the recipe, this package needs no torch: the API answers with it before any worker has seen the model.
"""

from pruning.estimate.architectures import UnknownShape, shape_of_config
from pruning.estimate.estimate import Estimate
from pruning.estimate.machine import ASSUMED, Machine
from pruning.estimate.shape import BlockShape, Matrix, ModelShape

__all__ = [
    "ASSUMED",
    "BlockShape",
    "Estimate",
    "Machine",
    "Matrix",
    "ModelShape",
    "UnknownShape",
    "shape_of_config",
]
