"""The smaller model as its config describes it, without weights."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel


def skeleton_of(config: Mapping[str, Any], dense: PreTrainedModel) -> PreTrainedModel:
    """Return the model that a config.json describes, on the meta device.

    `dense`: the model that is cut, of the same class. Raises whatever its config or model class does.
    """
    built = type(dense.config).from_dict(copy.deepcopy(dict(config)))
    built._attn_implementation = None  # a config may name a kernel on the Hub
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(built, trust_remote_code=False)
    assert isinstance(model, PreTrainedModel)  # noqa: S101 - what AutoModelForCausalLM promises
    return model
