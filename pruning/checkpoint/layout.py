"""A checkpoint's tensors by their headers, the model without weights, and the mapping between the two."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
import transformers
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from transformers import PretrainedConfig, PreTrainedModel
from transformers.conversion_mapping import get_model_conversion_mapping
from transformers.core_model_loading import (
    WeightConverter,
    WeightRenaming,
    rename_source_key,
    revert_weight_conversion,
)

from pruning.checkpoint.files import damaged_file_error
from pruning.checkpoint.text_decoder import auto_class, text_decoder
from pruning.errors import InvalidInput

FLOATS = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
"""Dtypes of weights that can be pruned; a tensor of another dtype (an index, say) counts as bytes."""


def stored_tensors(directory: Path, names: Collection[str]) -> dict[str, Tensor]:
    """Return every tensor in these safetensors files by name, on the meta device: its shape and dtype.

    Only headers are read. Raises InvalidInput(field='model.id') for a file that is damaged, or
    too large to be mapped.
    """
    stored: dict[str, Tensor] = {}
    for name in names:
        try:
            with safe_open(directory / name, framework="pt") as tensors:
                for key in tensors.keys():  # noqa: SIM118 - a safe_open is not a mapping
                    header = tensors.get_slice(key)
                    dtype = FLOATS.get(header.get_dtype(), torch.uint8)
                    stored[key] = torch.empty(header.get_shape(), dtype=dtype, device="meta")
        except (SafetensorError, OSError) as error:
            raise damaged_file_error(name) from error
        except RuntimeError as error:
            if "unable to mmap" not in str(error):
                raise
            raise InvalidInput(
                f"{name} has {(directory / name).stat().st_size} bytes, which is more than this machine can "
                "map into memory; save the model in smaller files (save_pretrained with max_shard_size), or "
                "use a machine with more memory",
                field="model.id",
            ) from error
    return stored


# transformers splits some stored tensors (a fused query, key and value), and some modules have no parameters.
_PARAMETERS_PER_TENSOR = 8
_MODULES_PER_TENSOR = 16
_MIN_ALLOWED = 256


class _TooMany(Exception):
    """The config asks for more than the checkpoint holds."""


def build_skeleton(config: PretrainedConfig, stored: int) -> PreTrainedModel:
    """Build the model on the meta device. `stored`: the tensors in its weight files.

    Raises InvalidInput(field='model.id') if transformers cannot, or as soon as the model has many times more
    parts than the files have tensors: a config of a few bytes can ask for millions of layers.
    """
    try:
        with torch.device("meta"), _at_most(stored):
            skeleton = auto_class(config).from_config(config, trust_remote_code=False)
    except _TooMany as error:
        raise InvalidInput(
            f"the model's config.json describes many times more weights than the {stored} tensors in its "
            "files; check that it belongs to them",
            field="model.id",
        ) from error
    except Exception as error:  # each model class fails in its own way
        raise InvalidInput(
            f"transformers {transformers.__version__} cannot build the model that its config.json describes "
            f"({type(error).__name__})",
            field="model.id",
        ) from error
    assert isinstance(skeleton, PreTrainedModel)  # noqa: S101 - what from_config promises
    return skeleton


@contextmanager
def _at_most(stored: int) -> Iterator[None]:
    """While active, limit the parameters and modules that are registered. Raises `_TooMany`."""
    parameters, modules = (
        _MIN_ALLOWED + _PARAMETERS_PER_TENSOR * stored,
        _MIN_ALLOWED + _MODULES_PER_TENSOR * stored,
    )

    def count_parameter(module: nn.Module, name: str, parameter: object) -> None:
        nonlocal parameters
        parameters -= 1
        if parameters < 0:
            raise _TooMany

    def count_module(module: nn.Module, name: str, child: object) -> None:
        nonlocal modules
        modules -= 1
        if modules < 0:
            raise _TooMany

    hooks = (
        register_module_parameter_registration_hook(count_parameter),
        register_module_module_registration_hook(count_module),
    )
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


class StoredLayout:
    """Converts tensors shaped like a model's parameters, such as masks, to the names and shapes on disk.

    The two can differ: a checkpoint may lack the prefix of the base model, and transformers renames, joins
    and splits the tensors of some checkpoints (per-expert matrices become one tensor, say). This class
    reverts the conversions of transformers as `save_pretrained` does; it knows no architecture by name.
    """

    def __init__(self, skeleton: PreTrainedModel, stored: Mapping[str, Tensor]) -> None:
        """`skeleton`: the whole model; `stored`: all tensors in the checkpoint; both on the meta device."""
        self._skeleton = skeleton
        self._stored = stored
        self._text = text_decoder(skeleton)
        name = next(name for name, module in skeleton.named_modules() if module is self._text)
        self._prefix = f"{name}." if name else ""
        conversions = get_model_conversion_mapping(skeleton)
        renamings = [conversion for conversion in conversions if isinstance(conversion, WeightRenaming)]
        converters = [conversion for conversion in conversions if isinstance(conversion, WeightConverter)]
        parameters = skeleton.state_dict()
        for name in stored:
            rename_source_key(name, renamings, converters, skeleton.base_model_prefix, parameters)
        # Renaming marks the conversions that this checkpoint needs. They are stored where from_pretrained
        # stores them and revert_weight_conversion reads them.
        skeleton._weight_conversions = [conversion for conversion in conversions if conversion.was_used()]

    def check(self, names: Iterable[str]) -> None:
        """Raise what `to_stored` would raise for these parameters, before anything is computed."""
        parameters = self._text.state_dict()
        self.to_stored({name: torch.empty_like(parameters[name], dtype=torch.bool) for name in names})

    def name_of(self, parameter: str, dimension: int) -> str:
        """Return the name in the checkpoint of a parameter that can be reordered there along a dimension.

        Raises InvalidInput where the checkpoint does not hold it by itself, in the same shape and order.
        """
        shape = self._text.state_dict()[parameter].shape
        along = [-1 if number == dimension else 1 for number in range(len(shape))]
        labels = torch.arange(shape[dimension], dtype=torch.int32).view(along).expand(shape)
        stored = self.to_stored({parameter: labels})
        for name, found in stored.items():
            if len(stored) == 1 and (found is labels or torch.equal(found, labels)):
                return name
        raise self._refused(f"it has {parameter} in another shape or order")

    def to_stored(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return tensors by name and shape in the checkpoint. Raises InvalidInput if that fails."""
        return {self._stored_name(name, tensor): tensor for name, tensor in self._reverted(tensors).items()}

    def _reverted(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        try:
            named = {self._prefix + name: tensor for name, tensor in tensors.items()}
            return dict(revert_weight_conversion(self._skeleton, named))
        except Exception as error:  # the conversion of each architecture fails in its own way
            raise self._refused("transformers cannot turn its conversion back") from error

    def shapes_of(self, model: PreTrainedModel) -> dict[str, tuple[int, ...]]:
        """Return the shape of each tensor that a checkpoint of this layout has of another model, by name.

        `model`: of the same class, without some units, on the meta device. Raises InvalidInput as
        `to_stored`.
        """
        own = StoredLayout(model, self._stored)
        reverted = own._reverted(model.state_dict())
        found = {self._found(name): tuple(tensor.shape) for name, tensor in reverted.items()}
        return {name: shape for name, shape in found.items() if name is not None}

    def with_other_names(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Add each tied parameter under its other names, where the checkpoint holds those as well."""
        names: dict[int, list[str]] = {}
        for name, parameter in self._text.named_parameters(remove_duplicate=False):
            names.setdefault(id(parameter), []).append(name)
        found = dict(tensors)
        for of_one in names.values():
            known = next((tensors[name] for name in of_one if name in tensors), None)
            if known is not None and len(of_one) > 1:
                found |= {name: known for name in of_one if self._found(self._prefix + name, known.shape)}
        return found

    def _stored_name(self, name: str, tensor: Tensor) -> str:
        found = self._found(name, tensor.shape)
        if found is None:
            raise self._refused(f"it has no tensor {name} of shape {tuple(tensor.shape)}")
        return found

    def _found(self, name: str, shape: torch.Size | None = None) -> str | None:
        prefix = f"{self._skeleton.base_model_prefix}."
        for candidate in (name, name.removeprefix(prefix), prefix + name):
            if candidate in self._stored and shape in (None, self._stored[candidate].shape):
                return candidate
        return None

    def _refused(self, reason: str) -> InvalidInput:
        return InvalidInput(
            f"a pruned {type(self._skeleton).__name__} cannot be written in this checkpoint's layout: "
            f"{reason}; load it and save it again with transformers",
            field="model.id",
        )
