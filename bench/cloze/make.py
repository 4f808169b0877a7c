"""Makes the cloze task of this folder from the evaluation articles of bench.workload.wikipedia.

    python -m bench.cloze.make

A question is two or three sentences without their last word, which is asked for with three other words
that end sentences of the same article. A model without the context can hardly distinguish them; one that
follows it can. None of the four is in the prompt, or looks like a word that is, so that nothing can be copied
from it. No sentence and no answer is in two questions. No program sees that another choice would do as well:
all questions were read for it, and ambiguous.txt has the ends of the prompts that are left out.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from bench.workload.wikipedia import prepare

DATA = Path(__file__).with_name("wikipedia_cloze.jsonl")
AMBIGUOUS = Path(__file__).with_name("ambiguous.txt")
CHOICES = 4
_CONTEXT = range(150, 600)  # characters
_SENTENCE_END = re.compile(r"(?<=[a-z]{3}\.) (?=[A-Z])")
_LAST_WORD = re.compile(r"[A-Z].* ([a-z]{5,})\.")
_LEFT_BY_MARKUP = re.compile(
    r"""  | [,;.)]|\(\s*[),;]|[|=<>{}\[\]]"""  # templates
    r"""|[^A-Z][).,;:]"?[A-Z]|\bp\. |Press\b"""  # footnotes
    r"""|^[^A-Z"]"""
)
_STEM = 5  # letters by which words count as alike: organise, organiser, organisation


def questions(text: str, ambiguous: Collection[str] = ()) -> list[dict[str, object]]:
    """Return the questions of articles that are divided by blank lines: equal ones for equal texts.

    `ambiguous`: ends of prompts that are left out.
    """
    found: dict[str, dict[str, object]] = {}
    for article in text.split("\n\n"):
        for answer, question in _of_article(article):
            if not str(question["question"]).endswith(tuple(ambiguous)):
                found.setdefault(stem(answer), question)
    return list(found.values())


def stem(word: str) -> str:
    """Return what alike words have in common."""
    return word.lower().removesuffix("s")[:_STEM]


def _of_article(article: str) -> Iterator[tuple[str, dict[str, object]]]:
    passages = [_SENTENCE_END.split(line.strip()) for line in article.split("\n")]
    endings = [found[1] for line in passages for found in map(_LAST_WORD.fullmatch, line) if found]
    for sentences in passages:
        free = 0  # the first sentence that no question has
        for number, sentence in enumerate(sentences):
            ending = _LAST_WORD.fullmatch(sentence)
            passage = " ".join(sentences[max(free, number - 2) : number + 1])
            if ending is None or number == free or not _is_prose(passage):
                continue
            question = _question(passage.removesuffix(f" {ending[1]}."), ending[1], endings)
            if question is not None:
                yield ending[1], question
                free = number + 1


def _is_prose(passage: str) -> bool:
    return len(passage) in _CONTEXT and passage.isascii() and not _LEFT_BY_MARKUP.search(passage)


def _question(prompt: str, answer: str, endings: Sequence[str]) -> dict[str, object] | None:
    taken = re.findall(r"[a-z]+", prompt.lower())
    choices: list[str] = []
    for word in (answer, *_drawn(endings, prompt)):
        if len(choices) < CHOICES and not any(other.startswith(stem(word)) for other in taken + choices):
            choices.append(word)
    if len(choices) < CHOICES or choices[0] != answer:
        return None
    shown = _drawn(choices, prompt + answer)
    return {"question": prompt, "choices": [f" {word}" for word in shown], "answer": shown.index(answer)}


def _drawn(words: Sequence[str], seed: str) -> list[str]:
    """Return the words in an order that looks random, which no version of Python changes."""
    return sorted(set(words), key=lambda word: hashlib.sha256(f"{seed} {word}".encode()).digest())


def main() -> None:
    """Write the questions."""
    _, evaluation = prepare(Path(".bench/wikipedia").absolute())
    ambiguous = AMBIGUOUS.read_text().splitlines()
    lines = (json.dumps(question) for question in questions(evaluation.read_text(), ambiguous))
    DATA.write_text("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    main()
