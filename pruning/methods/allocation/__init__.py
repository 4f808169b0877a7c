"""How many zeros each layer gets. An allocation is a function; see `pruning.methods.allocation.base`."""

from pruning.methods.allocation.base import DenseModel
from pruning.methods.allocation.targets import layer_targets

__all__ = ["DenseModel", "layer_targets"]
