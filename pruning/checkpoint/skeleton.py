"""Build a model without weights, as far as its checkpoint holds weights for it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import transformers
from torch import nn
from torch.nn.modules.module import (
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from transformers import AutoModelForCausalLM, PretrainedConfig, PreTrainedModel

from pruning.errors import InvalidInput

# Transformers splits some stored tensors (a fused query, key and value) and a few modules have no parameters.
_PARAMETERS_PER_TENSOR = 8
_MODULES_PER_TENSOR = 16
_ALWAYS = 256


class _TooMany(Exception):
    """The config asks for more than the checkpoint holds."""


def build_skeleton(config: PretrainedConfig, stored: int) -> PreTrainedModel:
    """Build the model on the meta device. `stored`: the tensors in its weight files.

    Raises InvalidInput(field='model.id') if transformers cannot, or as soon as the model has many times more
    parts than the files hold tensors: a config of a few bytes can ask for millions of layers.
    """
    try:
        with torch.device("meta"), _at_most(stored):
            skeleton = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
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
    assert isinstance(skeleton, PreTrainedModel)  # noqa: S101 - what AutoModelForCausalLM promises
    return skeleton


@contextmanager
def _at_most(stored: int) -> Iterator[None]:
    """Count the parameters and modules that are registered meanwhile. Raises `_TooMany`."""
    parameters, modules = _ALWAYS + _PARAMETERS_PER_TENSOR * stored, _ALWAYS + _MODULES_PER_TENSOR * stored

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
