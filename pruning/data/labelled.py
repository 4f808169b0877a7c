"""Conversations to train on: token windows in which answers, and nothing else, are predicted."""

import random
from collections.abc import Iterable, Iterator

import torch

from pruning.data.conversations import labelled_ids
from pruning.data.source import Source
from pruning.data.training import TrainingText
from pruning.data.training_windows import IGNORE_INDEX, TrainingWindows
from pruning.data.windows import Reader
from pruning.errors import InvalidInput
from pruning.recipe import Recipe
from pruning.recipe.recovery import HELD_OUT_WINDOWS, DistilOptions

_Targets = list[tuple[int, int]]
"""Tokens in order, each with the next one if that is part of an answer, and with IGNORE_INDEX otherwise."""


def labelled_text(recipe: Recipe, options: DistilOptions, reader: Reader) -> TrainingText:
    """Read the conversations of a recipe's recovery. Equal arguments give equal windows.

    Conversations are taken in a random order and joined into windows of the calibration's length, each whole
    in one window; what is longer is cut off, and one without an answer before that is left out. The first
    ones are held out, and equal ones are not trained on. The windows of later epochs follow in other orders.

    Raises InvalidInput naming the field, the value and the limit.
    """
    assert options.dataset is not None  # noqa: S101 - the recipe has checked it
    source = Source(options.dataset, "calibration", "recovery.distil.dataset")
    length = reader.length(recipe.calibration.sequence_length, "calibration")
    if options.tokens < length:
        raise InvalidInput(
            f"tokens {options.tokens} are less than one window of {length}; ask for more",
            field="recovery.distil.tokens",
        )
    conversations = list(reader.documents(source, conversations=True))
    random.Random(recipe.calibration.seed).shuffle(conversations)  # noqa: S311 - a reproducible draw
    held_out = _Packed(length, HELD_OUT_WINDOWS)
    count = held_out.fill(_encoded(conversations, reader, length))
    judged = set(conversations[:count])
    rest = [conversation for conversation in conversations[count:] if conversation not in judged]
    training = _Packed(length, options.tokens // length)
    training.fill(_encoded(rest, reader, length))
    windows, held = training.joined(), held_out.joined()
    if not windows.predictions:
        raise InvalidInput(
            f"{len(conversations)} conversations leave nothing to train on: {HELD_OUT_WINDOWS} windows of "
            f"{length} tokens are held out first, and these fill {len(held)}; give more conversations, or a "
            "shorter calibration.sequence_length",
            field=source.field,
        )
    reader.checked(torch.cat([windows.tokens, held.tokens]), source)
    orders = random.Random(f"{recipe.calibration.seed} epochs")  # noqa: S311 - reproducible
    return TrainingText(windows.repeated(options.epochs, orders), held, (options.dataset,), count)


def _encoded(conversations: Iterable[str], reader: Reader, length: int) -> Iterator[_Targets]:
    """Yield each conversation with at most `length` tokens; an empty one if none of them is an answer's."""
    for conversation in conversations:
        ids, answers = labelled_ids(reader.tokenizer, conversation)
        following = zip(ids[1:], answers[1:], strict=True)
        targets = [token if is_answer else IGNORE_INDEX for token, is_answer in following]
        cut = list(zip(ids, [*targets, IGNORE_INDEX], strict=True))[:length]
        yield cut if any(target != IGNORE_INDEX for _, target in cut) else []


class _Packed:
    """Windows of one length that are filled one after the other."""

    def __init__(self, length: int, most: int) -> None:
        """`most`: the number of windows at most."""
        self._length, self._most = length, most
        self._windows: list[_Targets] = []

    def fill(self, conversations: Iterable[_Targets]) -> int:
        """Add conversations until one has no place any more. Return how many came before that."""
        count = 0
        for conversation in conversations:
            if not self._add(conversation):
                break
            count += 1
        return count

    def joined(self) -> TrainingWindows:
        """Return the windows, padded with tokens that predict nothing and that no answer sees."""
        padding = (0, IGNORE_INDEX)
        padded = [window + [padding] * (self._length - len(window)) for window in self._windows]
        both = torch.tensor(padded, dtype=torch.int64).view(-1, self._length, 2)
        return TrainingWindows(both[..., 0], both[..., 1])

    def _add(self, conversation: _Targets) -> bool:
        if not self._windows or len(self._windows[-1]) + len(conversation) > self._length:
            if len(self._windows) == self._most:
                return False
            self._windows.append([])
        self._windows[-1] += conversation
        return True
