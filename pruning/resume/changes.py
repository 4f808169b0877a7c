"""What of a numerics key has changed since a block was finished, so that it is computed again."""

import re
from collections.abc import Mapping
from typing import Any

_DIGEST = re.compile(r"(sha256:)?[0-9a-f]{40,64}")


def changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return by name what was otherwise in an earlier key.

    Digests are left out: they name what earlier stages have left, which changes only because those stages
    are computed again. So are names that one key lacks: whether norms are computed or found in a cache.
    """
    return {
        name: before[name]
        for name in now
        if name in before and before[name] != now[name] and not _DIGEST.fullmatch(str(before[name]))
    }


def plain_name(name: str) -> str:
    """Return a name without the computation that it belongs to: `gradients: micro_batch`."""
    return name.rpartition(": ")[2]
