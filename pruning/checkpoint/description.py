"""What the small files of a model say, as plain data: config, weight files, licence, languages.

They are untrusted, so they may be read in a process of its own, which needs no torch for it. Its result is
validated again by the receiver: see `Description.checked`.

The model card is untrusted text too, and what it declares is copied to a card that is published. So no YAML
is parsed: its aliases can expand to gigabytes. Instead lines are matched, and only what an identifier of a
licence or a language consists of passes.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import transformers
from transformers import CONFIG_MAPPING, AutoConfig, PretrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as CAUSAL_LM_NAMES
from transformers.models.auto.modeling_auto import MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES as MULTIMODAL_NAMES
from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES

from pruning.checkpoint.files import (
    CONFIG,
    CONFIGS,
    MODEL_CARD,
    read_json,
    refuse_oversized,
    weight_files,
    without_code,
)
from pruning.errors import InvalidInput
from pruning.estimate import QUANTISED, out_of_bounds_value

_FRONT_MATTER_BYTES = 64 * 1024
_FENCE = "---"
_NAME = r"[A-Za-z0-9][A-Za-z0-9 .+_-]{0,63}"
_LICENCE = re.compile(rf"""license:[ \t]+(["']?)({_NAME})\1[ \t]*""")
# A code of ISO 639, or a word of the Hub's such as `multilingual`, with subtags such as `pt-BR`.
_CODE = r"[A-Za-z]{2,16}(?:[-_][A-Za-z0-9]{1,8}){0,3}"
_ONE = re.compile(rf"""[ \t]*(["']?)({_CODE})\1[ \t]*""")
_ITEM = re.compile(r"[ \t]*-[ \t]+(.*)")
_MAX_LANGUAGES = 256


def is_licence(text: str) -> bool:
    """Whether a text is an identifier of a licence."""
    return re.fullmatch(_NAME, text) is not None


def are_languages(texts: Sequence[object]) -> bool:
    """Whether all values are language codes, at most 256 of them."""
    codes = (isinstance(text, str) and re.fullmatch(_CODE, text) is not None for text in texts)
    return len(texts) <= _MAX_LANGUAGES and all(codes)


def declared_licence(card: Path) -> str | None:
    """Return the licence that a model card declares, or None.

    None for a card without one, with several, or with other than short plain text on one line.
    """
    declared = [line for line in _front_matter(card) if line.startswith("license:")]
    found = _LICENCE.fullmatch(declared[0]) if len(declared) == 1 else None
    return found[2].strip() if found else None


def declared_languages(card: Path) -> tuple[str, ...]:
    """Return the languages that a model card declares: one, a list in brackets, or a list of lines.

    Empty for a card with anything else there, or with two such fields.
    """
    lines = _front_matter(card)
    declared = [number for number, line in enumerate(lines) if line.startswith("language:")]
    if len(declared) != 1:
        return ()
    value = lines[declared[0]].partition(":")[2].strip()
    if not value:
        items = takewhile(bool, map(_ITEM.fullmatch, lines[declared[0] + 1 :]))
        named = [item[1] for item in items if item]
    elif value.startswith("[") and value.endswith("]"):
        named = value[1:-1].split(",")
    else:
        named = [value]
    found = [_ONE.fullmatch(name) for name in named]
    languages = tuple(dict.fromkeys(one[2] for one in found if one))
    return languages if all(found) and are_languages(languages) else ()


def _front_matter(card: Path) -> list[str]:
    """Return the lines of a card's front matter; none if it has none, or no end within its first bytes."""
    try:
        with card.open("rb") as file:
            lines = file.read(_FRONT_MATTER_BYTES).decode(errors="replace").splitlines()
    except OSError:
        return []
    if not lines or lines[0].rstrip() != _FENCE:
        return []
    try:
        return lines[1 : [line.rstrip() for line in lines].index(_FENCE, 1)]
    except ValueError:
        return []


_TEXT_FIELDS = ("text_config", "decoder", "generator")  # where transformers looks for a text decoder
_DEQUANTISED = ("fp8", "mxfp4", "compressed-tensors")


@dataclass(frozen=True)
class Description:
    """Facts about a model from its small files, without its weights."""

    config: dict[str, Any]  # the content of config.json
    weight_files: tuple[str, ...]
    licence: str | None  # declared by the model card
    languages: tuple[str, ...] = ()  # declared by the model card

    @classmethod
    def checked(cls, value: object, names: Collection[str]) -> Self:
        """Validate the description of a model with these files that another process returned.

        Raises InvalidInput(field='model.id') if it is invalid.
        """
        fields = value if isinstance(value, dict) else {}
        config, weights, licence = (fields.get(name) for name in ("config", "weight_files", "licence"))
        languages = fields.get("languages", [])
        if (
            not isinstance(config, dict)
            or not isinstance(weights, list)
            or not weights
            or any(name not in names or not str(name).endswith(".safetensors") for name in weights)
            or not (licence is None or (isinstance(licence, str) and is_licence(licence)))
            or not (isinstance(languages, list) and are_languages(languages))
        ):
            raise _refused("its files other than the weights cannot be read; download it again")
        _refuse_unsuitable(config)
        return cls(config, tuple(weights), licence, tuple(languages))


def describe(directory: Path, names: Collection[str]) -> Description:
    """Describe a model that consists of the files `names`; all but the weights are in `directory`.

    Raises InvalidInput(field='model.id') with the reason if the model cannot be pruned.
    """
    content = _config_content(directory, names)
    _load_config(directory)
    card, weights = directory / MODEL_CARD, weight_files(directory, names)
    return Description(content, weights, declared_licence(card), declared_languages(card))


def suitable_config(content: dict[str, Any], scratch: Path | None = None) -> PretrainedConfig:
    """Build the config of a model from the content of its config.json, which is checked again.

    Entries that select code are omitted, so that transformers uses scaled-dot-product attention, or eager
    where a model does not support it. `scratch`: for a temporary directory, because transformers reads files;
    None: the system's. Raises InvalidInput(field='model.id') with the reason if
    the model cannot be pruned.
    """
    _refuse_unsuitable(content)
    with TemporaryDirectory(prefix="pruneserve-config-", dir=scratch) as directory:
        kept = {key: value for key, value in without_code(content).items() if key not in QUANTISED}
        (Path(directory) / CONFIG).write_text(json.dumps(kept))
        return _load_config(Path(directory))


def quantisation_of(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a config.json says of how the weights are quantised; empty if they are not."""
    found: object = next((content[key] for key in QUANTISED if content.get(key)), {})
    return found if isinstance(found, dict) else {"quant_method": None}


def _config_content(directory: Path, names: Collection[str]) -> dict[str, Any]:
    if CONFIG not in names:
        raise _refused(f"it has no {CONFIG}; give the directory or repository of a transformers model")
    if "adapter_config.json" in names:
        raise _refused("it is an adapter; merge it into its base model first")
    refuse_oversized(CONFIG, (directory / CONFIG).stat().st_size)
    content = read_json(directory / CONFIG)
    _refuse_unsuitable(content)
    for name in CONFIGS:
        if name in names and name != CONFIG:
            refuse_oversized(name, (directory / name).stat().st_size)
            read_json(directory / name)
    return content


def _load_config(directory: Path) -> PretrainedConfig:
    """Let transformers build the config.

    Raises InvalidInput(field='model.id') if it refuses, or if the model is not a decoder of text.
    """
    try:
        config = AutoConfig.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
        config.get_text_config(decoder=True)  # refuses a config with several
    except Exception as error:  # every config class validates its values in its own way
        raise _refused(f"transformers {transformers.__version__} does not accept its {CONFIG}") from error
    assert isinstance(config, PretrainedConfig)  # noqa: S101 - what AutoConfig promises
    _refuse_other_than_decoders(config)
    config._attn_implementation = None  # `output_attentions` sets it too
    return config


def _refuse_unsuitable(content: dict[str, Any]) -> None:
    """Raise InvalidInput(field='model.id') for numbers out of bounds, or files other than safetensors."""
    if (reason := out_of_bounds_value(content)) is not None:
        raise _refused(f"{CONFIG}: {reason}")
    _refuse_incomplete_safetensors(content)


def _refuse_incomplete_safetensors(content: dict[str, Any]) -> None:
    if any(part.get(key) for part in content.values() if isinstance(part, dict) for key in QUANTISED):
        raise _refused("a part of it is quantised by itself; prune the unquantised model")
    settings = quantisation_of(content)
    if settings and settings.get("quant_method") not in _DEQUANTISED:
        raise _refused(
            f"its weights are quantised, and not by one of {', '.join(_DEQUANTISED)}; prune the unquantised "
            "model, and quantise the result"
        )
    if content.get("transformers_weights") is not None:
        raise _refused(
            f"its {CONFIG} names a weight file (transformers_weights); save it again with save_pretrained"
        )
    if content.get("configuration_files") is not None:
        raise _refused(f"its {CONFIG} names other files to be read in its place (configuration_files)")
    kind = content.get("model_type")
    if kind not in CONFIG_MAPPING:
        if content.get("auto_map"):
            raise _refused(
                "it needs code from its own repository to be loaded (auto_map), which is never run here"
            )
        raise _refused(f"transformers {transformers.__version__} does not know its model_type")


def is_multimodal(config: PretrainedConfig) -> bool:
    """Whether a model holds more than a text decoder, which a part of its config describes."""
    return config.get_text_config(decoder=True) is not config


def text_field(config: PretrainedConfig) -> str | None:
    """Return the field of a config that describes the text decoder; None where none does by itself."""
    text = config.get_text_config(decoder=True)
    return next((name for name in _TEXT_FIELDS if getattr(config, name, None) is text), None)


def _refuse_other_than_decoders(config: PretrainedConfig) -> None:
    text = config.get_text_config(decoder=True)
    if not config.is_encoder_decoder and (
        not isinstance(text, PretrainedConfig) or (text is not config and text_field(config) is None)
    ):
        raise _refused(f"its {CONFIG} has no field that describes its text decoder alone")
    causal_class = _causal_class(config)
    declared = config.architectures or ()
    # Encoders such as BERT have a causal class too, for use as a decoder. The config declares which class the
    # checkpoint holds; only a bare model declares no head.
    declares_another = bool(declared) and not any(
        name == causal_class or name.endswith("Model") for name in declared
    )
    if causal_class is None or config.is_encoder_decoder or text.is_encoder_decoder or declares_another:
        kind = declared[0] if declared else config.model_type
        raise _refused(f"a {kind} is not a causal language model (a decoder that predicts the next token)")
    if any(MODEL_MAPPING_NAMES.get(part.model_type, "").startswith("Timm") for part in _parts(config)):
        raise _refused("timm, whose names of models can be addresses on the Hub, would build a part of it")


def _parts(config: PretrainedConfig) -> Iterator[PretrainedConfig]:
    """Yield a config, and the configs in it at any depth."""
    yield config
    for value in vars(config).values():
        if isinstance(value, PretrainedConfig):
            yield from _parts(value)


def _causal_class(config: PretrainedConfig) -> str | None:
    """Return the name of the class that transformers registers for a config, without importing it."""
    names = MULTIMODAL_NAMES if is_multimodal(config) else CAUSAL_LM_NAMES
    kinds = [kind for kind, name in CONFIG_MAPPING_NAMES.items() if name == type(config).__name__]
    return next((names[kind] for kind in (*kinds[-1:], *kinds) if kind in names), None)


def _refused(reason: str) -> InvalidInput:
    return InvalidInput(f"the model cannot be pruned: {reason}", field="model.id")
