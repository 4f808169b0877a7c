"""What of a numerics key has changed since a block was finished, so that it is computed again."""

import re
from collections.abc import Mapping
from typing import Any

_DIGEST = re.compile(r"(sha256:)?[0-9a-f]{40,64}")
_COMES_AND_GOES = re.compile(r".*: |section ")


NOT_RECORDED = "not recorded"
"""What a condition was, in words, where the key does not name it."""


def changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return by name what was otherwise in an earlier key: as it was, and as it is.

    Digests are left out: they name what earlier stages have left, which changes only because those stages
    are computed again. So are names that come and go within a run: whether norms are computed or found in a
    cache, and which section of a lane it is. Any other name that only one of the keys has is the reason where
    nothing else is: another release asks for more, or for less. Keys that each have a name of their own are
    of different computations in one stage.
    """
    common = [name for name in now if name in before]
    otherwise = [name for name in common if before[name] != now[name]]
    if otherwise or not before:
        told = {name: (before[name], now[name]) for name in otherwise}
        return {name: values for name, values in told.items() if not _DIGEST.fullmatch(str(values[0]))}
    gained = {name: (NOT_RECORDED, now[name]) for name in _lasting(now) if name not in before}
    dropped = {name: (before[name], NOT_RECORDED) for name in _lasting(before) if name not in now}
    return {} if gained and dropped else gained | dropped


def _lasting(key: Mapping[str, Any]) -> list[str]:
    """Return the names that all keys of a computation have, in one release."""
    return [name for name in key if not (_DIGEST.fullmatch(str(key[name])) or _COMES_AND_GOES.match(name))]


def plain_name(name: str) -> str:
    """Return a name without the computation that it belongs to: `gradients: micro_batch`."""
    return name.rpartition(": ")[2]
