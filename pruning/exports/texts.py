"""Texts on which two tokenizers differ if they differ: prose, symbols, numbers and spaces, cut and mixed."""

import random
from collections.abc import Iterator

_PROSE = (
    "All human beings are born free and equal in dignity and rights; they're endowed with reason.",
    "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα.",
    "Все люди рождаются свободными и равными в своём достоинстве и правах.",
    "يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق.",
    "सभी मनुष्य जन्म से स्वतन्त्र और गौरव तथा अधिकारों में समान हैं।",
    "人人生而自由，在尊严和权利上一律平等。すべての人間は、生まれながらにして自由である。",
    "Tous les êtres humains naissent libres; l'égalité, voilà: œuvre déjà reçue à Noël, ça ira!",
    "def f(x_1, *rest):\n    return {'a': x_1[0] ** 2, \"b\": [3.14e-10, 0xFF]}  # TODO\n",
    "🙂🚀 👩‍👩‍👧 ½ ² № ﬁ Å \u00a0 \u200b x̄ … — “q” ‘s’ €100,000.00 12345678 2026-11-30T04:40",
)
_BETWEEN = ("", " ", "  ", "   ", "\n", "\n\n", " \n", "\t", "\r\n", "'s ", "'LL ", "-", "007", "...", "/", "_")
_TEXTS, _PIECES, _LONGEST_PIECE = 200, 6, 30


def varied_texts() -> Iterator[str]:
    """Yield the same texts every time: each line of prose, then mixtures of pieces of all."""
    yield from _PROSE
    generator = random.Random(0)  # noqa: S311 - not for secrets
    for _ in range(_TEXTS):
        yield "".join(_piece(generator) for _ in range(_PIECES))


def _piece(generator: random.Random) -> str:
    line = generator.choice(_PROSE)
    start = generator.randrange(len(line))
    return generator.choice(_BETWEEN) + line[start : start + generator.randint(1, _LONGEST_PIECE)]
