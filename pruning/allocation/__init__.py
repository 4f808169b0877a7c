"""How many zeros each layer gets. An allocation is a function; see `pruning.allocation.base`."""

from pruning.allocation.base import DenseModel
from pruning.allocation.targets import layer_targets

__all__ = ["DenseModel", "layer_targets"]
