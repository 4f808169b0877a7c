"""Check that a config describes a model that can be pruned: a decoder-only language model, unquantised."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import transformers
from transformers import CONFIG_MAPPING, MODEL_FOR_CAUSAL_LM_MAPPING, AutoConfig, PretrainedConfig

from pruning.checkpoint.files import CONFIG, GENERATION_CONFIG, read_json
from pruning.checkpoint.sizes import refuse_oversized
from pruning.errors import InvalidInput
from pruning.estimate import beyond_bounds

_QUANTISED = ("quantization_config", "compression_config")


def suitable_config(directory: Path, names: Collection[str]) -> PretrainedConfig:
    """Load the config of a model that consists of the files `names`, from config.json in `directory`.

    Raises InvalidInput(field='model.id') with the reason if the model cannot be pruned.
    """
    if CONFIG not in names:
        raise _refused(f"it has no {CONFIG}; give the directory or repository of a transformers model")
    if "adapter_config.json" in names:
        raise _refused("it is an adapter; merge it into its base model first")
    refuse_oversized(CONFIG, (directory / CONFIG).stat().st_size)
    content = read_json(directory / CONFIG)
    if (wrong := beyond_bounds(content)) is not None:
        raise _refused(f"{CONFIG}: {wrong}")
    _refuse_what_needs_more_than_safetensors(content)
    if GENERATION_CONFIG in names:
        read_json(directory / GENERATION_CONFIG)
    try:
        config = AutoConfig.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # every config class validates its values in its own way
        raise _refused(f"transformers {transformers.__version__} does not accept its {CONFIG}") from error
    assert isinstance(config, PretrainedConfig)  # noqa: S101 - what AutoConfig promises
    _refuse_other_than_decoders(config)
    # A config may name an attention kernel on the Hub, which would be downloaded and run. With None,
    # transformers chooses its own: scaled-dot-product attention, or eager where a model does not support it.
    config._attn_implementation = None
    return config


def _refuse_what_needs_more_than_safetensors(content: dict[str, Any]) -> None:
    if any(content.get(key) for key in _QUANTISED):
        raise _refused("its weights are quantised; prune the unquantised model, and quantise the result")
    if content.get("transformers_weights") is not None:
        raise _refused(f"its {CONFIG} names a weight file of its own; save it again with save_pretrained")
    if content.get("configuration_files") is not None:
        raise _refused(f"its {CONFIG} names other files to be read in its place (configuration_files)")
    kind = content.get("model_type")
    if kind not in CONFIG_MAPPING:
        if content.get("auto_map"):
            raise _refused(
                "it needs code from its own repository to be loaded (auto_map), which is never run here"
            )
        raise _refused(f"transformers {transformers.__version__} does not know its model_type")


def _refuse_other_than_decoders(config: PretrainedConfig) -> None:
    causal_class = MODEL_FOR_CAUSAL_LM_MAPPING.get(type(config), None)
    declared = config.architectures or ()
    # Encoders such as BERT have a causal class too, for use as a decoder. The config declares which class the
    # checkpoint holds; only a bare model declares no head.
    declares_another = bool(declared) and not any(
        name == getattr(causal_class, "__name__", None) or name.endswith("Model") for name in declared
    )
    if causal_class is None or config.is_encoder_decoder or declares_another:
        kind = declared[0] if declared else config.model_type
        raise _refused(f"a {kind} is not a causal language model (a decoder that predicts the next token)")
    if config.get_text_config(decoder=True) is not config:
        raise _refused("it is multimodal; only text models are supported")


def _refused(reason: str) -> InvalidInput:
    return InvalidInput(f"the model cannot be pruned: {reason}", field="model.id")
