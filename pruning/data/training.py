"""The training text of a recovery, and the held-out articles that it is evaluated on."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pruning.data.text import PARAGRAPH_BREAK, Source
from pruning.data.windows import Reader, fingerprint
from pruning.errors import InvalidInput
from pruning.recipe import Recipe, is_token_file
from pruning.recipe.recovery import HELD_OUT_WINDOWS, DistilOptions

_FIELD = "recovery.distil"
_ARTICLES = 8  # of the held-out windows, where the text has four times as many
_SHARED_TOKENS = 32  # in a row, shared by an article and a calibration window cut from it


@dataclass(frozen=True)
class TrainingText:
    """The windows of one training."""

    windows: Tensor  # int64 (windows, length)
    held_out: Tensor  # the same
    datasets: tuple[str, ...]
    articles: int  # that the held-out windows are from; 0 for a text without articles

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the token ids that are trained on."""
        return fingerprint(self.windows)

    @property
    def held_out_fingerprint(self) -> str:
        """SHA-256 over the token ids of the held-out windows."""
        return fingerprint(self.held_out)


def training_text(
    recipe: Recipe, options: DistilOptions, reader: Reader, calibration: Tensor | None
) -> TrainingText:
    """Read the text of a recipe's recovery. Equal arguments give equal windows.

    Articles are taken in a random order: first those to hold out, none of which holds a part of a window of
    the `calibration` (int64 (windows, length)), then those to train on, until their tokens suffice. Of a
    dataset without articles, which is one text, the end is held out.

    Raises InvalidInput naming the field, the value and the limit; Unreachable if a Hub dataset is.
    """
    reader = reader.with_bos(recipe.calibration.add_bos_token, "calibration")
    length = reader.text_length(reader.length(recipe.calibration.sequence_length, "calibration"))
    sources = tuple(_sources(recipe, options))
    texts, articles = list[str](), list[str]()
    for source in sources:
        documents = reader.documents(source)
        (texts if len(documents) == 1 else articles).extend(documents)
    measured = None if calibration is None else _windows_of_text(calibration, reader)
    cut = _WindowCutter(reader, sources[0], length, options.tokens)
    rng = random.Random(recipe.calibration.seed)  # noqa: S311 - a reproducible draw
    training, held_out, count = cut.cut(texts, articles, rng, measured)
    return TrainingText(
        reader.check_vocabulary(reader.prepend_bos(training), sources[0]),
        reader.check_vocabulary(reader.prepend_bos(held_out), sources[0]),
        tuple(source.dataset for source in sources),
        count,
    )


def _windows_of_text(calibration: Tensor, reader: Reader) -> Tensor:
    """Return the part of the calibration windows that was cut from a text, int64 (windows, tokens)."""
    return calibration[:, -reader.text_length(calibration.shape[1]) :].contiguous()


def _sources(recipe: Recipe, options: DistilOptions) -> Iterator[Source]:
    field = f"{_FIELD}.dataset"
    if options.dataset is not None:
        yield Source(options.dataset, "calibration", field)
        return
    for share in recipe.calibration.shares:
        if is_token_file(share.dataset):
            raise InvalidInput(
                "the calibration's token ids do not say where an article ends; name a text to train on",
                field=field,
            )
        yield Source(share.dataset, "calibration", field)


@dataclass(frozen=True)
class _WindowCutter:
    """Cuts a text into training windows and held-out windows: (windows, length) each."""

    reader: Reader
    source: Source
    length: int  # of what is cut from the text, see `Reader.text_length`
    tokens: int  # to train on, including the tokens before the text

    @property
    def _window_length(self) -> int:
        """The requested length of a window."""
        return self.reader.window_length(self.length)

    def cut(
        self, texts: Sequence[str], articles: Sequence[str], rng: random.Random, calibration: Tensor | None
    ) -> tuple[Tensor, Tensor, int]:
        """Return windows to train on, those that are held out, and the number of articles of the latter.

        Whole articles are held out, and others joined, a blank line after each; of each text its end. Windows
        of texts are shuffled.
        """
        articles_held, trained = self._drawn(articles, rng, calibration)
        held, training = [self._windows(articles_held)], [self._windows(trained)]
        for ids in map(self._encoded, texts):
            before = max(0, len(ids) - HELD_OUT_WINDOWS * self.length)
            held.append(self._windows([ids[before:]]))
            training.append(self._windows([ids[:before]]))
        windows = torch.cat(training)
        if texts:
            order = list(range(len(windows)))
            rng.shuffle(order)
            windows = windows[order]
        held_out = self._evenly_spaced(torch.cat(held))
        return self._take_training_windows(windows), held_out, len(articles_held)

    def _drawn(
        self, documents: Sequence[str], rng: random.Random, calibration: Tensor | None
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Return the token ids of articles to hold out, and of articles to train on."""
        order = list(range(len(documents)))
        rng.shuffle(order)
        shared = _CalibrationOverlap(calibration)
        held, training = list[Tensor](), list[Tensor]()
        held_tokens = training_tokens = 0
        fewest = min(_ARTICLES, len(documents) // 4)
        for number in order:
            ids = self._encoded(documents[number] + PARAGRAPH_BREAK)
            enough = held_tokens >= HELD_OUT_WINDOWS * self.length and len(held) >= fewest
            if not enough and not shared.contains_part_of(ids):
                held.append(ids)
                held_tokens += len(ids)
            elif training_tokens < self.tokens:
                training.append(ids)
                training_tokens += len(ids)
            elif enough:
                break
        return held, training

    def _evenly_spaced(self, held_out: Tensor) -> Tensor:
        """Return so many as are held out of all windows that may be."""
        if len(held_out) < HELD_OUT_WINDOWS:
            raise InvalidInput(
                f"apart from articles with a calibration window, the text has {len(held_out)} windows of "
                f"{self._window_length} tokens; {HELD_OUT_WINDOWS} are held out: give more text, or a "
                "shorter sequence_length",
                field=self.source.field,
            )
        return held_out[:: len(held_out) // HELD_OUT_WINDOWS][:HELD_OUT_WINDOWS]

    def _encoded(self, text: str) -> Tensor:
        return torch.tensor(self.reader.encode(text, self.source), dtype=torch.int64)

    def _windows(self, pieces: Sequence[Tensor]) -> Tensor:
        """Cut what the pieces are when joined."""
        ids = torch.cat([torch.empty(0, dtype=torch.int64), *pieces])
        count = len(ids) // self.length
        return ids[: count * self.length].view(count, self.length)

    def _take_training_windows(self, windows: Tensor) -> Tensor:
        wanted = self.tokens // self._window_length
        if wanted == 0:
            raise InvalidInput(
                f"tokens {self.tokens} are less than one window of {self._window_length}; ask for more",
                field=f"{_FIELD}.tokens",
            )
        if wanted > len(windows):
            raise InvalidInput(
                f"tokens {self.tokens}: apart from the {HELD_OUT_WINDOWS} held-out windows, the text "
                f"has {len(windows) * self._window_length}; ask for fewer, or give more text",
                field=f"{_FIELD}.tokens",
            )
        return windows[:wanted]


class _CalibrationOverlap:
    """Finds articles that calibration windows were cut from."""

    def __init__(self, calibration: Tensor | None) -> None:
        """`calibration`: token ids, int64 (windows, length)."""
        self._tokens = _SHARED_TOKENS if calibration is None else min(_SHARED_TOKENS, calibration.shape[1])
        self._runs: set[bytes] = set()
        self._all = b"" if calibration is None else calibration.numpy().tobytes()
        for window in () if calibration is None else calibration:
            self._runs.update(run.numpy().tobytes() for run in window.unfold(0, self._tokens, self._tokens))

    def contains_part_of(self, ids: Tensor) -> bool:
        """Whether an article's token ids, (tokens,), contain a run of a calibration window's.

        A short article may be between two runs, or between two windows that were packed with articles: it
        is searched for as a whole in all of them.
        """
        content, size = ids.numpy().tobytes(), ids.itemsize
        if len(ids) < 2 * self._tokens and _is_contained_in(content, self._all, size):
            return True
        starts = range(0, len(content) - (self._tokens - 1) * size, size)
        return any(content[start : start + self._tokens * size] in self._runs for start in starts)


def _is_contained_in(items: bytes, others: bytes, size: int) -> bool:
    """Whether items of `size` bytes are a contiguous part of others, aligned at the items of these."""
    found = others.find(items)
    while found >= 0 and found % size:
        found = others.find(items, found + 1)
    return found >= 0
