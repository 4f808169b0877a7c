"""The calibration set: the token windows on which activations and gradients are measured."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import torch
from torch import Tensor

from pruning.data.text import PARAGRAPH_BREAK, Source
from pruning.data.windows import Reader, fingerprint, window_count
from pruning.errors import InvalidInput
from pruning.recipe import Calibration, Share, is_token_file

# 256 times the reference's 128 x 2048. The hidden states of all tokens are in memory while a block is pruned.
_MAX_TOKENS = 2**26

# One C4 document in fifty is longer than 2048 tokens, one in several hundred longer than 4096: this many
# failed draws in a row mean that the dataset has hardly any long documents.
_MAX_DRAWS = 10_000


@dataclass(frozen=True)
class DrawnWindows:
    """The windows that were drawn from one dataset."""

    share: Share
    windows: Tensor  # int64 (samples, length)
    notes: tuple[str, ...] = ()  # for the report, of an unusual draw

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the token ids."""
        return fingerprint(self.windows)


@dataclass(frozen=True)
class CalibrationSet:
    """The token windows of all datasets, one dataset after the other."""

    sets: tuple[DrawnWindows, ...]
    windows: Tensor  # int64 (samples, length): of all sets
    fingerprint: str  # SHA-256 over the token ids


def calibration_set(calibration: Calibration, reader: Reader) -> CalibrationSet:
    """Draw the windows of a calibration set. Equal arguments give equal windows.

    Token ids from a .npy file are used as they are. Windows are cut from a single text at random offsets, and
    from a set of documents each from a random document that is long enough, as the reference does. Several
    datasets are drawn from in their order, all with one random stream.

    Raises InvalidInput naming the field, the value and the limit; Unreachable if a Hub dataset is.
    """
    reader = reader.with_bos(calibration.add_bos_token, "calibration")
    rng = random.Random(calibration.seed)  # noqa: S311 - a reproducible draw, and the reference's generator
    sets = tuple(_draw(share, calibration, reader, rng) for share in calibration.shares)
    lengths = {drawn.windows.shape[1] for drawn in sets}
    if len(lengths) > 1:  # only token ids have a length of their own
        raise InvalidInput(
            f"the datasets have windows of {min(lengths)} and {max(lengths)} tokens; ask for the "
            "sequence_length of the stored token ids",
            field="calibration.sequence_length",
        )
    windows = torch.cat([drawn.windows for drawn in sets])
    return CalibrationSet(sets, windows, fingerprint(windows))


def _draw(share: Share, calibration: Calibration, reader: Reader, rng: random.Random) -> DrawnWindows:
    source, samples = Source(share.dataset, "calibration", share.field), share.samples
    check_length = partial(_check_tokens, calibration.samples)
    if is_token_file(share.dataset):
        stored = reader.read_token_file(
            source, samples, calibration.sequence_length, check_length=check_length
        )
        return DrawnWindows(share, reader.check_vocabulary(stored, source))
    length = reader.length(calibration.sequence_length, "calibration")
    check_length(length)
    cutter = _RandomCutter(reader, source, samples, length, rng)
    documents = reader.documents(source)
    if len(documents) == 1:
        windows, notes = cutter.from_text(documents[0])
    else:
        windows, notes = cutter.from_documents(documents)
    return DrawnWindows(
        share, reader.check_vocabulary(reader.prepend_bos(torch.tensor(windows)), source), notes
    )


def _check_tokens(samples: int, length: int) -> None:
    """Raise InvalidInput(field='calibration.samples') for more tokens than a set may have."""
    if samples * length > _MAX_TOKENS:
        raise InvalidInput(
            f"samples {samples} of {length} tokens are {samples * length} tokens; the limit is {_MAX_TOKENS}",
            field="calibration.samples",
        )


_Cut = tuple[list[list[int]], tuple[str, ...]]
"""Windows of token ids, and notes for the report."""


@dataclass(frozen=True)
class _RandomCutter:
    """Cuts windows from one dataset at random places."""

    reader: Reader
    source: Source
    samples: int
    length: int  # of a window, including the tokens before the text
    rng: random.Random

    @property
    def _cut_length(self) -> int:
        """Tokens of a window that are cut from the text."""
        return self.reader.text_length(self.length)

    def from_text(self, text: str) -> _Cut:
        """Cut windows at random offsets of one text; as in the reference, the last offset is never drawn."""
        ids, cut = self.reader.encode(text, self.source), self._cut_length
        if len(ids) <= cut:
            raise InvalidInput(
                f"the text has {len(ids)} tokens; a window of {self.length} needs at least {cut + 1}: "
                "give more text, or a shorter sequence_length",
                field=self.source.field,
            )
        windows = [self._cut(ids) for _ in range(self.samples)]
        wanted = self.samples * cut
        notes = (f"windows overlap: {wanted} tokens were drawn from a text of {len(ids)}",)
        return windows, notes if wanted > len(ids) else ()

    def from_documents(self, documents: Sequence[str]) -> _Cut:
        """Cut each window from a random document that is long enough; pack documents if too few are.

        For each window the reference draws documents, with replacement, until one is strictly longer than it,
        then the offset, all with one random stream. It never ends if no document is long enough.
        """
        encoded = lru_cache(maxsize=1024)(lambda number: self.reader.encode(documents[number], self.source))
        too_short: set[int] = set()
        drawn: list[int] = []
        windows: list[list[int]] = []
        for _ in range(self.samples):
            for _ in range(_MAX_DRAWS):
                number = self.rng.randint(0, len(documents) - 1)
                if number not in too_short and len(encoded(number)) > self._cut_length:
                    break
                too_short.add(number)
                if len(too_short) == len(documents):
                    return self._pack(documents)
            else:
                return self._pack(documents)
            drawn.append(number)
            windows.append(self._cut(encoded(number)))
        different = len(set(drawn))
        note = (
            f"{self.samples} windows come from {different} documents: few are longer than "
            f"{self.length} tokens"
        )
        return windows, (note,) if different <= self.samples // 2 else ()

    def _cut(self, ids: list[int]) -> list[int]:
        start = self.rng.randint(0, len(ids) - self._cut_length - 1)
        return ids[start : start + self._cut_length]

    def _pack(self, documents: Sequence[str]) -> _Cut:
        """Join the documents in random order, a blank line after each, and cut the result into windows."""
        cut, order = self._cut_length, list(range(len(documents)))
        self.rng.shuffle(order)
        ids: list[int] = []
        for number in order:
            ids += self.reader.encode(documents[number] + PARAGRAPH_BREAK, self.source)
            if len(ids) >= self.samples * cut:
                break
        window_count(self.samples, len(ids) // cut, self.length, self.source)
        windows = [ids[start : start + cut] for start in range(0, self.samples * cut, cut)]
        return windows, (
            f"documents were packed: too few are longer than the window of {self.length} tokens",
        )
