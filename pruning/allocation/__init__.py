"""How many zeros each layer gets."""

from pruning.allocation.targets import layer_targets

__all__ = ["layer_targets"]
