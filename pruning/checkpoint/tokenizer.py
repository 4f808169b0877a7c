"""Loads a tokenizer from the files in a private directory, and from no other.

transformers passes every entry of tokenizer_config.json and special_tokens_map.json to the tokenizer's class
as an argument. Classes open some of these arguments as files, and which ones differs by class and version. So
the entries that pass are listed here, and no text passes under another name.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerBase, TokenizersBackend
from transformers.models.auto.tokenization_auto import tokenizer_class_from_name
from transformers.tokenization_utils_sentencepiece import SentencePieceBackend

from pruning.checkpoint.files import CONFIG, read_json
from pruning.errors import InvalidInput, is_panic

_SETTINGS = "tokenizer_config.json"
_SPECIAL_TOKENS = "special_tokens_map.json"

# Every class takes these as the tokens themselves, such as `eos_token` and `extra_special_tokens`.
_TOKENS = re.compile(r"[a-z_]+_tokens?")

# Texts, lists and mappings that no class opens as a file.
_NEVER_FILES = frozenset(
    {
        *("tokenizer_class", "auto_map", "processor_class", "backend", "added_tokens_decoder"),
        *("chat_template", "model_input_names", "padding_side", "truncation_side", "truncation_strategy"),
        *("errors", "prepend_scheme", "never_split", "lang2id", "id2lang"),
    }
)

# A number under such a name would be opened as a file descriptor of this process.
_FILES = re.compile(r"(.*_)?(vocab|merges|files?|paths?|dir|dic|spm|object)")

# Tokenizers in Python of causal language models. Others open files named by their vocabulary.
_IN_PYTHON = frozenset(
    {
        *("PythonBackend", "MistralCommonBackend", "BioGptTokenizer", "BlenderbotSmallTokenizer"),
        *("CpmAntTokenizer", "CTRLTokenizer", "GPTNeoXJapaneseTokenizer", "XLMTokenizer"),
    }
)


def confine_tokenizer(directory: Path) -> None:
    """Rewrite the settings of the tokenizer in a private directory, so that they name no other file.

    Entries that transformers would ignore or derive from the files of the model, such as `name_or_path` and
    `vocab_file`, are omitted. Raises InvalidInput(field='model.id') for a file that is not a JSON object, and
    for a class that is not known to open those files alone.
    """
    named = [(CONFIG, read_json(directory / CONFIG))]
    if (directory / _SETTINGS).exists():
        content = read_json(directory / _SETTINGS)
        named.append((_SETTINGS, content))
        _rewrite(
            directory / _SETTINGS, {key: value for key, value in content.items() if _is_allowed(key, value)}
        )
    if (directory / _SPECIAL_TOKENS).exists():
        content = read_json(directory / _SPECIAL_TOKENS)
        tokens = {key: value for key, value in content.items() if _TOKENS.fullmatch(key)}
        _rewrite(directory / _SPECIAL_TOKENS, tokens)
    for name, settings in named:
        _refuse_other_classes(name, settings.get("tokenizer_class"))


def _is_allowed(key: str, value: object) -> bool:
    if _TOKENS.fullmatch(key) or key in _NEVER_FILES:
        return True
    return (value is None or isinstance(value, bool | int | float)) and not _FILES.fullmatch(key)


def _rewrite(link: Path, content: dict[str, object]) -> None:
    link.unlink()  # only the link: its target is the user's
    link.write_text(json.dumps(content))


def _refuse_other_classes(name: str, class_name: object) -> None:
    """Raise InvalidInput for a class of transformers that would load something else, or more files."""
    if class_name is None or _is_known(class_name):
        return
    raise InvalidInput(
        f"the tokenizer_class in the model's {name} is not a tokenizer of causal language models; save the "
        "tokenizer as PreTrainedTokenizerFast, with a tokenizer.json",
        field="model.id",
    )


def _is_known(class_name: object) -> bool:
    found = tokenizer_class_from_name(class_name) if isinstance(class_name, str) else object
    if found is None:  # transformers uses its general class instead
        return True
    return isinstance(found, type) and (
        issubclass(found, TokenizersBackend | SentencePieceBackend) or found.__name__ in _IN_PYTHON
    )


def load_tokenizer(
    directory: Path, *, before_loading: Callable[[], None] = lambda: None
) -> PreTrainedTokenizerBase:
    """Load a tokenizer. Its settings in `directory` are rewritten, so that they name no other file.

    `before_loading`: called once only the settings, which are JSON, have been read. Raises
    InvalidInput(field='model.id') if it fails.
    """
    confine_tokenizer(directory)
    before_loading()
    try:
        tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
    except BaseException as error:  # tokenizers have a dozen formats, each fails in its own way
        if not (isinstance(error, Exception) or is_panic(error)):
            raise
        raise InvalidInput(
            "the model has no tokenizer that can be loaded without running code from its repository; "
            "put tokenizer.json and tokenizer_config.json next to config.json",
            field="model.id",
        ) from error
    assert isinstance(tokenizer, PreTrainedTokenizerBase)  # noqa: S101 - what AutoTokenizer promises
    return tokenizer
