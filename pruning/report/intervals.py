"""95 % confidence intervals of what was measured on windows of text, or on examples of a task.

By the bootstrap: the mean of as many windows, drawn with replacement, has about the spread that it would have
over other windows of such text. Windows of one document count as independent of each other.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pruning.report.facts import Interval, Intervals

FEWEST = 8
"""Fewer windows say too little about how far others would be from them."""

MOST_KEPT = 10_000
"""Losses of windows, or outcomes of examples, that a report holds at most to be a baseline's."""

_FEWEST_EXAMPLES = 30  # most scores are 0 or 1
_LARGE_SAMPLE = 2000  # from here on a mean has the normal distribution, and draws would take seconds
_MAX_LOSS = 700.0  # nats, whose exponential float64 still has
_RESAMPLES, _SEED, _DRAWS_AT_ONCE = 2000, 0, 1 << 20
_NORMAL = NormalDist()


def bootstrap(values: ArrayLike) -> NDArray[np.float64] | None:
    """Return the ends of a 95 % interval for the mean of each column, (2, columns); None for too few rows.

    `values`: (windows, columns). A window is drawn as a whole, so that a column of differences is paired.
    Equal values give equal intervals. The ends are percentiles of the means, expanded for small samples: T.
    Hesterberg, What Teachers Should Know about the Bootstrap, The American Statistician 69 (2015), 371-386.
    Of 2,000 rows and more the ends are those of the normal distribution.
    """
    rows = np.asarray(values, dtype=np.float64)
    count = len(rows)
    if count < FEWEST:
        return None
    if count >= _LARGE_SAMPLE:
        half = _NORMAL.inv_cdf(0.975) * rows.std(axis=0, ddof=1) / math.sqrt(count)
        return np.stack([rows.mean(axis=0) - half, rows.mean(axis=0) + half])
    generator = np.random.default_rng(_SEED)
    at_once = max(1, _DRAWS_AT_ONCE // count)
    means = np.concatenate(
        [
            _drawn(generator, min(at_once, _RESAMPLES - done), count) @ rows / count
            for done in range(0, _RESAMPLES, at_once)
        ]
    )
    tail = _NORMAL.cdf(-math.sqrt(count / (count - 1)) * _student_t(count - 1))
    ends: NDArray[np.float64] = np.quantile(means, (tail, 1 - tail), axis=0)
    return ends


def _drawn(generator: np.random.Generator, resamples: int, count: int) -> NDArray[np.int64]:
    """Draw as many rows as there are, several times; return how often each came, (resamples, count)."""
    places = generator.integers(count, size=(resamples, count)) + count * np.arange(resamples)[:, None]
    return np.bincount(places.ravel(), minlength=resamples * count).reshape(resamples, count)


def _student_t(freedom: int) -> float:
    """Return the 97.5 % point of Student's t: Abramowitz and Stegun, 26.7.5, good to 0.1 % from 7 degrees."""
    z = _NORMAL.inv_cdf(0.975)
    return (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )


def text_intervals(
    dense: Sequence[float], result: Sequence[float], kl: Sequence[float] = (), agreement: Sequence[float] = ()
) -> Intervals | None:
    """Return the intervals of what was measured on one text, from the means of each window.

    `dense`, `result`: losses in nats. `kl`, `agreement`: of the result, or nothing. None for too few windows.
    """
    losses, base = np.asarray(result), np.asarray(dense)
    columns = [losses, losses - base, *(np.asarray(one) for one in (kl, agreement) if len(one))]
    ends = bootstrap(np.stack(columns, axis=1))
    if ends is None:
        return None
    loss, difference, *others = ends.T
    if max(loss.max(), difference.max()) > _MAX_LOSS:
        return None
    found = [Interval.of(ends) for ends in (np.exp(loss), np.expm1(difference), *others)]
    return Intervals(
        perplexity=found[0],
        increase=found[1],
        kl=found[2] if len(kl) else None,
        agreement=found[-1] if len(agreement) else None,
    )


def score_intervals(
    dense: Sequence[float], result: Sequence[float]
) -> tuple[Interval | None, Interval | None]:
    """Return the intervals of a task's score and of its change, from the scores of each example.

    None for few examples and for equal ones: they do not say how rare others are.
    """
    if len(result) < _FEWEST_EXAMPLES or len(result) != len(dense):
        return None, None
    scores = np.asarray(result)
    columns = np.stack([scores, scores - np.asarray(dense)], axis=1)
    ends = bootstrap(columns)
    assert ends is not None  # noqa: S101 - there are enough
    score, change = (
        Interval.of(of_column) if varies else None
        for of_column, varies in zip(ends.T, np.ptp(columns, axis=0) > 0, strict=True)
    )
    return score, change
