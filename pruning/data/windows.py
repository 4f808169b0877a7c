"""Token windows for calibration and evaluation, from text or from stored token ids."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pruning.data.text import Parse, Purpose, Source, Tokenizer, parse_in_process, read_documents, token_ids
from pruning.errors import InvalidInput
from pruning.files.frozen_file import freeze, is_of_the_machine
from pruning.recipe.datasets import DEFAULT_SEQUENCE_LENGTH

# A tokenizer takes well over a hundred bytes per token of a text.
_MAX_CHARACTERS = 2**26


@dataclass(frozen=True)
class Reader:
    """Turns texts and files into token windows for one model."""

    tokenizer: Tokenizer
    vocabulary: int  # the rows of the model's embedding; token ids are below it
    context_length: int | None = None  # in tokens; None if the model sets no bound
    roots: Sequence[Path] | None = None  # where local files must be; None: anywhere
    parse: Parse = parse_in_process  # reads the documents of a file
    begin: tuple[int, ...] = ()  # tokens at the beginning of each window, see `with_bos`

    def documents(self, source: Source) -> Sequence[str]:
        """Return the documents of a dataset. Raises what `read_documents` raises."""
        return read_documents(source, roots=self.roots, parse=self.parse)

    def length(self, requested: int | None, purpose: Purpose) -> int:
        """Return the tokens per window: as requested, or min(2048, the model's context).

        Raises InvalidInput(field='<purpose>.sequence_length') beyond the model's context, or where a window
        has no room for a token of the text.
        """
        if requested is None:
            return min(DEFAULT_SEQUENCE_LENGTH, self.context_length or DEFAULT_SEQUENCE_LENGTH)
        if requested <= len(self.begin):
            raise InvalidInput(
                f"sequence_length {requested} leaves no token for the text: the tokenizer puts "
                f"{len(self.begin)} before it; ask for at least {len(self.begin) + 1}",
                field=f"{purpose}.sequence_length",
            )
        if self.context_length is not None and requested > self.context_length:
            raise InvalidInput(
                f"sequence_length {requested} exceeds the model's context of {self.context_length} tokens",
                field=f"{purpose}.sequence_length",
            )
        return requested

    def with_bos(self, wanted: bool, purpose: Purpose) -> "Reader":
        """If `wanted`, return a reader whose windows begin with the tokens put before a text.

        Most tokenizers put one token there, GLM's two.

        Raises InvalidInput(field='<purpose>.add_bos_token') if it puts none.
        """
        if not wanted:
            return self
        # The common beginning of both is what the tokenizer puts before a text.
        pairs = zip(token_ids(self.tokenizer, "a"), token_ids(self.tokenizer, ""), strict=False)
        begin = tuple(first for first, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        if not begin:
            raise InvalidInput(
                "the model's tokenizer puts no token before a text; omit this",
                field=f"{purpose}.add_bos_token",
            )
        return replace(self, begin=begin)

    def text_length(self, length: int) -> int:
        """Return how many tokens of a window of `length` are cut from the text."""
        return length - len(self.begin)

    def window_length(self, of_text: int) -> int:
        """Return the length of a window with `of_text` tokens cut from the text."""
        return of_text + len(self.begin)

    def prepend_bos(self, windows: Tensor) -> Tensor:
        """Return windows that were cut from a text, (windows, text_length(length)), as (windows, length)."""
        if not self.begin:
            return windows  # a view stays one
        return torch.cat([windows.new_tensor(self.begin).expand(len(windows), -1), windows], dim=1)

    def encode(self, text: str, source: Source) -> list[int]:
        """Encode a whole text, with the special tokens that the tokenizer adds by itself.

        Without those before the text where every window begins with them.
        """
        if len(text) > _MAX_CHARACTERS:
            raise InvalidInput(
                f"a text of {len(text)} characters is too long to be tokenised as one; the limit is "
                f"{_MAX_CHARACTERS}: give a shorter text, or documents on lines of their own (.jsonl)",
                field=source.field,
            )
        ids = token_ids(self.tokenizer, text)
        added = len(self.begin)
        return ids[added:] if tuple(ids[:added]) == self.begin else ids

    def read_token_file(
        self,
        source: Source,
        count: int | None,
        length: int | None,
        *,
        check_length: Callable[[int], None] = lambda length: None,
    ) -> Tensor:
        """Read the first windows of a .npy file of integers, (windows, length): int64 (count, length).

        `count` None reads all; `length` None takes the file's, which `check_length` may refuse before any is
        read. Raises InvalidInput naming the field.
        """
        field, name = source.field, Path(source.dataset).name
        file = freeze(Path(source.dataset), self.roots, field=field)
        with file.opened() as path:
            try:
                array = np.lib.format.open_memmap(path, mode="r")  # unlike np.load, no pickles, no archives
            except Exception as error:  # numpy's parser says MemoryError of a deep header
                if is_of_the_machine(error):
                    raise
                raise InvalidInput(f"{name} is not a .npy array of numbers", field=field) from error
            if array.ndim != 2 or array.dtype.kind not in "iu":
                raise InvalidInput(f"{name} must contain token ids: integers, windows by length", field=field)
            rows, columns = array.shape
            if columns < 2:
                raise InvalidInput(
                    f"{name} has windows of {columns} tokens; at least 2 are needed", field=field
                )
            if length is not None and length != columns:
                raise InvalidInput(
                    f"sequence_length {length}: {name} has {columns} tokens per window; ask for that",
                    field=f"{source.purpose}.sequence_length",
                )
            check_length(self.length(columns, source.purpose))
            return torch.from_numpy(array[: window_count(count, rows, columns, source)].astype(np.int64))

    def check_vocabulary(self, windows: Tensor, source: Source) -> Tensor:
        """Return the same windows. Raises InvalidInput if a token id is outside of the model's vocabulary."""
        low, high = int(windows.min()), int(windows.max())
        if low < 0 or high >= self.vocabulary:
            raise InvalidInput(
                f"token ids range from {low} to {high}; the model's vocabulary ends at "
                f"{self.vocabulary - 1}: the text was tokenised for another model",
                field=source.field,
            )
        return windows


def window_count(wanted: int | None, available: int, length: int, source: Source) -> int:
    """Return the number of windows to use: as wanted, or all. `length`: the requested length of each.

    Raises InvalidInput naming the dataset if there are none, and the count if there are too few. Domains may
    have fewer: their texts are of several lengths.
    """
    if available == 0:
        raise InvalidInput(f"the text is shorter than one window of {length} tokens", field=source.field)
    is_domain = source.field.startswith("evaluation.domains.")
    if wanted is not None and wanted > available and not is_domain:
        name = "samples" if source.purpose == "calibration" else "windows"
        raise InvalidInput(
            f"{name} {wanted}: {Path(source.dataset).name} holds only {available} windows of {length} "
            "tokens; ask for fewer, or for a shorter sequence_length, or give more text",
            field=f"{source.purpose}.{name}",
        )
    return available if wanted is None else min(wanted, available)


def fingerprint(windows: Tensor) -> str:
    """Return the SHA-256 of the shape and the token ids, as little-endian int64: 64 hex digits."""
    digest = hashlib.sha256(np.array(windows.shape, "<i8").tobytes())
    # In pieces: overlapping windows are views of one text, and a copy of all may not fit into memory.
    for some in torch.split(windows, 1024):
        digest.update(some.cpu().numpy().astype("<i8").tobytes())
    return digest.hexdigest()
