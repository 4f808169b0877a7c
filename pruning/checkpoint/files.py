"""The files of a checkpoint directory: which ones belong to the model, and which ones are refused."""

import json
import shutil
from collections.abc import Collection, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from pruning.errors import InvalidInput

CONFIG = "config.json"
GENERATION_CONFIG = "generation_config.json"
WEIGHTS = ".safetensors"
SINGLE_FILE = "model.safetensors"
INDEX = "model.safetensors.index.json"

# What a pruned model needs besides its weights; copied from the dense model.
COMPANIONS = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "*.model",
    "*.tiktoken",
    "tekken.json",
    "chat_template.jinja",
    "chat_template.json",
    "additional_chat_templates/*.jinja",
    "LICENSE*",
    "NOTICE*",
    "USE_POLICY*",
)
MODEL_CARD = "README.md"

# transformers takes code by these entries of a config, at any depth: a kernel from the Hub, a module from the
# model's repository, or a patch of its own classes that every later model of the process has.
_CHOOSES_CODE = frozenset(
    {
        *("attn_implementation", "_attn_implementation", "_attn_implementation_internal"),
        *("experts_implementation", "_experts_implementation", "_experts_implementation_internal"),
        *("auto_map", "custom_pipelines", "custom_generate"),
        *("fusion_config", "kernel_config", "use_kernels"),
    }
)
CONFIGS = (CONFIG, GENERATION_CONFIG, "tokenizer_config.json")

_PICKLES = ("*.bin", "*.pth", "*.pt", "*.ckpt")


def all_files(directory: Path) -> tuple[str, ...]:
    """List the files below a directory by relative name, sorted."""
    return tuple(
        sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())
    )


def companions(names: Collection[str]) -> tuple[str, ...]:
    """Return the files that are no weights: configs, tokenizer, licences, index and model card."""
    wanted = (*COMPANIONS, INDEX, MODEL_CARD)
    return tuple(name for name in names if any(fnmatch(name, pattern) for pattern in wanted))


def weight_files(directory: Path, names: Collection[str]) -> tuple[str, ...]:
    """Return the safetensors files among `names` that transformers would load.

    An index must be in `directory` already. Raises InvalidInput(field='model.id') if there are none, and says
    what there is instead.
    """
    if SINGLE_FILE in names:
        return (SINGLE_FILE,)
    if INDEX in names:
        return _indexed_files(directory, names)
    if any(fnmatch(name, pattern) for pattern in _PICKLES for name in names):
        raise InvalidInput(
            "the weights of the model are pickles only, which can run code when they are opened; "
            "convert it to safetensors first (load it on a machine where you trust it, then save_pretrained)",
            field="model.id",
        )
    raise InvalidInput(
        f"the model has no readable weights: neither {SINGLE_FILE} nor {INDEX}", field="model.id"
    )


def _indexed_files(directory: Path, names: Collection[str]) -> tuple[str, ...]:
    weight_map = read_json(directory / INDEX).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise InvalidInput(f"{INDEX} has no weight_map; download the model again", field="model.id")
    indexed = sorted({str(name) for name in weight_map.values()})
    for name in indexed:
        if Path(name).name != name or not name.endswith(WEIGHTS):
            raise InvalidInput(
                f"{INDEX} names a file that is not a .safetensors file in its own directory",
                field="model.id",
            )
        if companions([name]):
            raise InvalidInput(
                f"{INDEX} names {name}, which counts as a licence; rename it", field="model.id"
            )
        if name not in names:
            raise damaged(name)
    return tuple(indexed)


def damaged(name: str) -> InvalidInput:
    """Return the error of a weight file that cannot be read."""
    return InvalidInput(
        f"{name} is missing, truncated or not a safetensors file; download the model again", field="model.id"
    )


def without_code(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a config without what chooses code, at any depth."""
    found: dict[str, Any] = json.loads(
        json.dumps(config),
        object_hook=lambda entries: {
            key: value for key, value in entries.items() if key not in _CHOOSES_CODE
        },
    )
    return found


def copy_companion(source: Path, destination: Path) -> None:
    """Copy a file of a model byte for byte, except for a config that chooses code, which loses that.

    Raises InvalidInput(field='model.id') for a config that is no JSON object.
    """
    shutil.copyfile(source, destination)
    if destination.name in CONFIGS:
        content = read_json(destination)
        if (kept := without_code(content)) != content:
            destination.write_text(json.dumps(kept, indent=2) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object. Raises InvalidInput(field='model.id') for anything else."""
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError, OSError) as error:
        raise InvalidInput(
            f"{path.name} cannot be read as JSON; download the model again", field="model.id"
        ) from error
    if not isinstance(content, dict):
        raise InvalidInput(f"{path.name} is not a JSON object", field="model.id")
    return content
