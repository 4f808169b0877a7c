"""How large, and how many, the files other than the weights may be: they are opened, copied and published."""

from collections.abc import Sized
from fnmatch import fnmatch

from pruning.errors import InvalidInput

_MIB = 1024 * 1024
_LARGEST = (
    ("config.json", _MIB),
    ("generation_config.json", _MIB),
    ("tokenizer_config.json", 8 * _MIB),
    ("README.md", 4 * _MIB),
    ("LICENSE*", 4 * _MIB),
    ("NOTICE*", 4 * _MIB),
    ("USE_POLICY*", 4 * _MIB),
    ("*.jinja", 4 * _MIB),
    ("chat_template.json", 4 * _MIB),
    ("special_tokens_map.json", 4 * _MIB),
    ("*.safetensors.index.json", 64 * _MIB),
)
_TOKENIZER = 128 * _MIB  # the largest are below 40
_MOST = 100  # models have about ten; a process opens all of them at once


def refuse_oversized(name: str, size: int | None) -> None:
    """Raise InvalidInput(field='model.id') for a file other than the weights that has too many bytes.

    `size` counts the bytes that a reader gets, so a sparse file counts in full. None is unknown.
    """
    largest = next((most for pattern, most in _LARGEST if fnmatch(name, pattern)), _TOKENIZER)
    if size is not None and size > largest:
        raise InvalidInput(
            f"{name} of the model has {size} bytes, and {largest} are allowed; remove or shorten it",
            field="model.id",
        )


def refuse_too_many(files: Sized) -> None:
    """Raise InvalidInput(field='model.id') for more files other than the weights than are opened at once."""
    if len(files) > _MOST:
        raise InvalidInput(
            f"the model has {len(files)} configs, tokenizer files and licences beside its weights, and "
            f"{_MOST} are allowed; remove those that it does not need",
            field="model.id",
        )
