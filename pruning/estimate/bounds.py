"""The largest numbers that a config.json may hold. Estimates and workers refuse beyond the same bounds.

Some numbers count what is built one by one (layers, experts, labels): a few bytes of text would take minutes
and gigabytes. The others are widths and ids. A bound is by name, so that it holds before any class reads the
config.
"""

import re
from collections.abc import Iterator
from typing import Any

_COUNT = 10_000
_HEADS = 65_536  # and experts
_WIDTH = 100_000_000
_ANY = 2**53  # what every JSON parser reads exactly

_WIDTHS = re.compile(
    r"vocab|_(size|dim|rank|embeddings|positions|length|window|inner|ctx)$|^n_(positions|ctx|embd|inner)$"
)
_HEAD_COUNTS = re.compile(r"(^|_)heads?(_kv)?$|(^|_)experts$")
_COUNTS = re.compile(
    r"^num_|(^|_)(layers?|blocks?|depth|labels|groups|repeats?)(_|$)|^n_(layers?|groups?|shared|routed)"
    r"|_per_tok$|_(step|interval|freq|period)$"
)
_MOST_DEPTH = 16


def most(name: str) -> int:
    """Return the largest value that the number `name` of a config may have."""
    for names, bound in ((_WIDTHS, _WIDTH), (_HEAD_COUNTS, _HEADS), (_COUNTS, _COUNT)):
        if names.search(name):
            return bound
    return _ANY


def beyond_bounds(values: dict[str, Any]) -> str | None:
    """Return what is wrong with the first number of a parsed config that is out of bounds, or None."""
    return next(_beyond(values, "", 0), None)


def _beyond(value: object, name: str, depth: int) -> Iterator[str]:
    if depth > _MOST_DEPTH:
        yield f"it is nested deeper than {_MOST_DEPTH} levels"
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _beyond(item, str(key), depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _beyond(item, name, depth + 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        bound = most(name)
        if not abs(value) <= bound and (isinstance(value, int) or bound < _ANY):
            yield f"its {name[:60]} is not a number up to {bound}"
