"""Load the tokenizer of a model from the files in a private directory."""

from collections.abc import Callable
from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from pruning.checkpoint.tokenizer_settings import confine_tokenizer
from pruning.errors import InvalidInput, is_panic


def load_tokenizer(
    directory: Path, *, once_rewritten: Callable[[], None] = lambda: None
) -> PreTrainedTokenizerBase:
    """Load a tokenizer. Its settings in `directory` are rewritten, so that they name no other file.

    `once_rewritten`: called before anything but the settings, which are JSON, is read. Raises
    InvalidInput(field='model.id') if it fails.
    """
    confine_tokenizer(directory)
    once_rewritten()
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
