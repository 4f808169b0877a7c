"""Map the parameters of a model in memory to the tensors in its checkpoint files."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers.conversion_mapping import get_model_conversion_mapping
from transformers.core_model_loading import (
    WeightConverter,
    WeightRenaming,
    rename_source_key,
    revert_weight_conversion,
)

from pruning.errors import InvalidInput


class StoredLayout:
    """Converts tensors shaped like a model's parameters, such as masks, to the names and shapes on disk.

    The two can differ: a checkpoint may lack the prefix of the base model, and transformers renames, joins
    and splits the tensors of some checkpoints (per-expert matrices become one tensor, say). This class
    reverts the conversions of transformers as `save_pretrained` does; it knows no architecture by name.
    """

    def __init__(self, skeleton: PreTrainedModel, stored: Mapping[str, Tensor]) -> None:
        """`skeleton`: the model; `stored`: all tensors in the checkpoint; both on the meta device."""
        self._skeleton = skeleton
        self._stored = stored
        conversions = get_model_conversion_mapping(skeleton)
        renamings = [conversion for conversion in conversions if isinstance(conversion, WeightRenaming)]
        converters = [conversion for conversion in conversions if isinstance(conversion, WeightConverter)]
        parameters = skeleton.state_dict()
        for name in stored:
            rename_source_key(name, renamings, converters, skeleton.base_model_prefix, parameters)
        # Renaming marks the conversions that this checkpoint needs. They go where from_pretrained leaves them
        # and revert_weight_conversion expects them.
        skeleton._weight_conversions = [conversion for conversion in conversions if conversion.was_used()]

    def check(self, names: Iterable[str]) -> None:
        """Raise what `to_stored` would raise for these parameters, before anything is computed."""
        parameters = self._skeleton.state_dict()
        self.to_stored({name: torch.empty_like(parameters[name], dtype=torch.bool) for name in names})

    def name_of(self, parameter: str, dimension: int) -> str:
        """Return the name in the checkpoint of a parameter that may be reordered along a dimension there.

        Raises InvalidInput where the checkpoint does not hold it by itself, in the same shape and order.
        """
        shape = self._skeleton.state_dict()[parameter].shape
        along = [-1 if number == dimension else 1 for number in range(len(shape))]
        labels = torch.arange(shape[dimension], dtype=torch.int32).view(along).expand(shape)
        stored = self.to_stored({parameter: labels})
        for name, found in stored.items():
            if len(stored) == 1 and (found is labels or torch.equal(found, labels)):
                return name
        raise self._refused(f"it holds {parameter} in another shape or order")

    def to_stored(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return tensors by name and shape in the checkpoint. Raises InvalidInput where there is no such."""
        try:
            reverted = revert_weight_conversion(self._skeleton, dict(tensors))
        except Exception as error:  # the conversion of each architecture fails in its own way
            raise self._refused("transformers cannot turn its conversion back") from error
        return {self._stored_name(name, tensor): tensor for name, tensor in reverted.items()}

    def with_other_names(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Add each tied parameter under its other names, where the checkpoint holds those as well."""
        names: dict[int, list[str]] = {}
        for name, parameter in self._skeleton.named_parameters(remove_duplicate=False):
            names.setdefault(id(parameter), []).append(name)
        found = dict(tensors)
        for of_one in names.values():
            known = next((tensors[name] for name in of_one if name in tensors), None)
            if known is not None and len(of_one) > 1:
                found |= {name: known for name in of_one if self._found(name, known.shape)}
        return found

    def _stored_name(self, name: str, tensor: Tensor) -> str:
        found = self._found(name, tensor.shape)
        if found is None:
            raise self._refused(f"it holds no tensor {name} of shape {tuple(tensor.shape)}")
        return found

    def _found(self, name: str, shape: torch.Size) -> str | None:
        prefix = f"{self._skeleton.base_model_prefix}."
        for candidate in (name, name.removeprefix(prefix), prefix + name):
            if candidate in self._stored and self._stored[candidate].shape == shape:
                return candidate
        return None

    def _refused(self, reason: str) -> InvalidInput:
        return InvalidInput(
            f"a pruned {type(self._skeleton).__name__} cannot be written in this checkpoint's layout: "
            f"{reason}; load it and save it again with transformers",
            field="model.id",
        )
