"""The token ids of a text, as the model's own tokenizer gives them."""

from collections.abc import Mapping
from typing import Any, Protocol

from pruning.errors import InvalidInput, is_panic


class Tokenizer(Protocol):
    """The interface that is used of a tokenizer of transformers, or of a proxy to one in another process."""

    def __call__(self, text: str, *, verbose: bool) -> Mapping[str, Any]:
        """Return `input_ids`, the ids of a text with the special tokens that the tokenizer adds by itself."""


def token_ids(tokenizer: Tokenizer, text: str) -> list[int]:
    """Return the ids of a whole text. Raises InvalidInput(field='model.id') if a library in Rust gives up."""
    try:
        ids: list[int] = tokenizer(text, verbose=False)["input_ids"]
    except BaseException as error:
        if not is_panic(error):
            raise
        raise InvalidInput(
            "the model's tokenizer gave up on the text; its tokenizer.json is damaged or too slow",
            field="model.id",
        ) from error
    return ids
