"""Whether the built-in text is long enough to train on, by the request alone."""

from collections.abc import Iterator

from jobs.spec.cuts import Fault
from pruning.recipe import Recipe
from pruning.recipe.datasets import DEFAULT_SEQUENCE_LENGTH
from pruning.recipe.recovery import HELD_OUT_WINDOWS

BUILTIN_TOKENS = 40_000
"""What a request may count on: the built-in text has over 200,000 characters, at most five to a token."""


def training_text_faults(recipe: Recipe) -> Iterator[Fault]:
    """Yield why the built-in text is too short to train on, with a number of tokens that works."""
    if recipe.distil is None:
        return
    calibrated_on = {share.dataset for share in recipe.calibration.shares}
    if ({recipe.distil.dataset} if recipe.distil.dataset else calibrated_on) != {"builtin"}:
        return
    # Left out, it may be less, for a model of a shorter context; such a request must name it.
    length = recipe.calibration.sequence_length or DEFAULT_SEQUENCE_LENGTH
    windows = BUILTIN_TOKENS // length - HELD_OUT_WINDOWS
    if windows < 1:
        yield Fault(
            "calibration.sequence_length",
            f"must be at most {BUILTIN_TOKENS // (HELD_OUT_WINDOWS + 1)} to train on the built-in text: it "
            f"has about {BUILTIN_TOKENS} tokens, of which {HELD_OUT_WINDOWS} windows are held out; or name "
            "another text in recovery.distil.dataset",
            length,
        )
    elif recipe.distil.tokens > windows * length:
        yield Fault(
            "recovery.distil.tokens",
            f"must be at most {windows * length}: the built-in text has about {BUILTIN_TOKENS} tokens, of "
            f"which {HELD_OUT_WINDOWS} windows of {length} are held out; ask for fewer, for a shorter "
            "calibration.sequence_length, or name another text in recovery.distil.dataset",
            recipe.distil.tokens,
        )
