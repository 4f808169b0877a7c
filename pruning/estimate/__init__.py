"""Estimates of a job's memory, operations, time and output size, from its model's shape and a machine.

Like the recipe, this package needs no torch: the API answers with it before a worker has read the model.
"""

from pruning.estimate.architectures import QUANTISED, UnknownShape, out_of_bounds_value, shape_of_config
from pruning.estimate.estimate import Estimate, slowest_machine
from pruning.estimate.shape import ASSUMED, BlockShape, Machine, Matrix, ModelShape

__all__ = [
    "ASSUMED",
    "QUANTISED",
    "BlockShape",
    "Estimate",
    "Machine",
    "Matrix",
    "ModelShape",
    "UnknownShape",
    "out_of_bounds_value",
    "shape_of_config",
    "slowest_machine",
]
