"""What a model card declares in its front matter: the licence, and the languages of the model.

The card is untrusted text, and both are copied to a card that is published. So no YAML is parsed: its aliases
can expand to gigabytes. Instead lines are matched, and only what an identifier of either consists of passes.
"""

import re
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

_FRONT_MATTER_BYTES = 64 * 1024
_FENCE = "---"
_NAME = r"[A-Za-z0-9][A-Za-z0-9 .+_-]{0,63}"
_LICENCE = re.compile(rf"""license:[ \t]+(["']?)({_NAME})\1[ \t]*""")
# A code of ISO 639, or a word of the Hub's such as `multilingual`, with subtags such as `pt-BR`.
_CODE = r"[A-Za-z]{2,16}(?:[-_][A-Za-z0-9]{1,8}){0,3}"
_ONE = re.compile(rf"""[ \t]*(["']?)({_CODE})\1[ \t]*""")
_ITEM = re.compile(r"[ \t]*-[ \t]+(.*)")
_MOST_LANGUAGES = 256


def is_licence(text: str) -> bool:
    """Whether a text is one plain word of a licence."""
    return re.fullmatch(_NAME, text) is not None


def are_languages(texts: Sequence[object]) -> bool:
    """Whether each of some values is the code of a language, and they are not too many."""
    codes = (isinstance(text, str) and re.fullmatch(_CODE, text) is not None for text in texts)
    return len(texts) <= _MOST_LANGUAGES and all(codes)


def declared_licence(card: Path) -> str | None:
    """Return the licence that a model card declares, or None.

    A card without one, with one that is no short plain text on one line, or with two, declares none.
    """
    declared = [line for line in _front_matter(card) if line.startswith("license:")]
    found = _LICENCE.fullmatch(declared[0]) if len(declared) == 1 else None
    return found[2].strip() if found else None


def declared_languages(card: Path) -> tuple[str, ...]:
    """Return the languages that a model card declares: one, a list in brackets, or a list of lines.

    A card with anything else there, or with two such fields, declares none.
    """
    lines = _front_matter(card)
    declared = [number for number, line in enumerate(lines) if line.startswith("language:")]
    if len(declared) != 1:
        return ()
    value = lines[declared[0]].partition(":")[2].strip()
    if not value:
        items = takewhile(bool, map(_ITEM.fullmatch, lines[declared[0] + 1 :]))
        named = [item[1] for item in items if item]
    elif value.startswith("[") and value.endswith("]"):
        named = value[1:-1].split(",")
    else:
        named = [value]
    found = [_ONE.fullmatch(name) for name in named]
    languages = tuple(dict.fromkeys(one[2] for one in found if one))
    return languages if all(found) and are_languages(languages) else ()


def _front_matter(card: Path) -> list[str]:
    """Return the lines of a card's front matter; none if it has none, or no end within its first bytes."""
    try:
        with card.open("rb") as file:
            lines = file.read(_FRONT_MATTER_BYTES).decode(errors="replace").splitlines()
    except OSError:
        return []
    if not lines or lines[0].rstrip() != _FENCE:
        return []
    try:
        return lines[1 : [line.rstrip() for line in lines].index(_FENCE, 1)]
    except ValueError:
        return []
