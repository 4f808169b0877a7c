"""The licence that a model card declares: one plain word from its front matter, or nothing.

The card is a stranger's text, and the licence goes into a card that is published. So no YAML is parsed, whose
aliases can expand to gigabytes: one line is matched, and only what a licence's identifier consists of passes.
"""

import re
from pathlib import Path

_FRONT_MATTER_BYTES = 64 * 1024
_FENCE = "---"
_NAME = r"[A-Za-z0-9][A-Za-z0-9 .+_-]{0,63}"
_LICENCE = re.compile(rf"""license:[ \t]+(["']?)({_NAME})\1[ \t]*""")


def is_licence(text: str) -> bool:
    """Whether a text is one plain word of a licence."""
    return re.fullmatch(_NAME, text) is not None


def declared_licence(card: Path) -> str | None:
    """Return the licence that a model card declares, or None.

    A card without one, with one that is no short plain text on one line, or with two, declares none.
    """
    try:
        with card.open("rb") as file:
            lines = file.read(_FRONT_MATTER_BYTES).decode(errors="replace").splitlines()
    except OSError:
        return None
    if not lines or lines[0].rstrip() != _FENCE:
        return None
    try:
        end = [line.rstrip() for line in lines].index(_FENCE, 1)
    except ValueError:
        return None
    declared = [line for line in lines[1:end] if line.startswith("license:")]
    found = _LICENCE.fullmatch(declared[0]) if len(declared) == 1 else None
    return found[2].strip() if found else None
