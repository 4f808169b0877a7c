"""The datasets that a recipe names. Each is a function from a `Source` to its documents, none of them empty.

To add one, write the function and register its name in `pruning.recipe.datasets`; a package outside of this
tree names its function in the entry-point group `pruneserve.datasets`.
"""

import re
from collections.abc import Iterable, Sequence
from importlib.abc import SourceLoader
from importlib.resources import files
from importlib.util import find_spec
from itertools import islice
from typing import Any

from pruning.data.mathematics import problems
from pruning.data.text import PARAGRAPH_BREAK, Source
from pruning.errors import InvalidInput, Unreachable

# What the reference reads of C4's 45 thousand validation documents. It cuts their text after 256 windows.
_C4_EVALUATION_DOCUMENTS = 1100


def c4(source: Source) -> Sequence[str]:
    """One shard of C4 in English: documents of the training split, or text of the validation split.

    As in the reference, the text for evaluation is one document, joined by spaces. Raises what `_load`
    raises.
    """
    split, file = {
        "calibration": ("train", "en/c4-train.00000-of-01024.json.gz"),
        "evaluation": ("validation", "en/c4-validation.00000-of-00008.json.gz"),
    }[source.purpose]
    texts: Sequence[str] = _load(
        source,
        "allenai/c4",
        "en",
        data_files={split: file},
        split=split,
        verification_mode="no_checks",  # the dataset declares the size of all shards; this is one
    )["text"]
    return [" ".join(islice(texts, _C4_EVALUATION_DOCUMENTS))] if source.purpose == "evaluation" else texts


def wikitext2(source: Source) -> Sequence[str]:
    """WikiText-2 as one document: the training split for calibration, the test split for evaluation.

    The reference joins the lines of the former by spaces, and those of the latter by blank lines. Raises what
    `_load` raises.
    """
    split, separator = {"calibration": ("train", " "), "evaluation": ("test", PARAGRAPH_BREAK)}[
        source.purpose
    ]
    rows = _load(source, "Salesforce/wikitext", "wikitext-2-raw-v1", split=split)
    return [separator.join(rows["text"])]


def builtin(source: Source) -> Sequence[str]:
    """Prose about Python from the standard library's help topics as one document.

    It needs no network, and is fixed for a version of Python. Topics quote each other, so a paragraph is used
    where it first occurs: calibration and evaluation have none in common.
    """
    from pydoc_data.topics import topics

    def prose(paragraph: str) -> str:
        text = re.sub(r" [*=~^-]{3,}$", "", " ".join(paragraph.split()))  # without a title's underline
        return "" if "::=" in text else text  # a grammar rule is not prose

    return _part(source, [map(prose, _paragraphs(topics[name])) for name in sorted(topics)], evaluated=3)


# Of the standard library of every version of Python that is supported, without tables of data.
_MODULES = (
    *("argparse", "bdb", "calendar", "cmd", "configparser", "contextlib", "copy", "csv", "dataclasses"),
    *("difflib", "fileinput", "fractions", "functools", "gzip", "heapq", "pprint", "queue", "random"),
    *("sched", "selectors", "shlex", "shutil", "socketserver", "statistics", "string", "subprocess"),
    *("tempfile", "textwrap", "threading", "tokenize", "trace", "traceback", "weakref"),
)
_OMITTED = re.compile(r"__all__|copyright|licen[cs]e|warrant|all rights|@|https?:", re.IGNORECASE)


def builtin_code(source: Source) -> Sequence[str]:
    """Python code from modules of the standard library as one document, without licences and addresses.

    It needs no network, and is fixed for a version of Python.
    """

    def code(paragraph: str) -> str:
        return "" if _OMITTED.search(paragraph) else paragraph

    return _part(source, [map(code, _paragraphs(_source_code(name))) for name in _MODULES], evaluated=5)


def builtin_math(source: Source) -> Sequence[str]:
    """Worked problems of arithmetic and algebra as one document, generated the same way each time."""
    return _part(source, [[problem] for problem in problems()], evaluated=3)


def builtin_german(source: Source) -> Sequence[str]:
    """German prose on many subjects as one document, written for this package: 24 thousand characters."""
    text = files("pruning.data").joinpath("german.txt").read_text(encoding="utf-8")
    return _part(source, [[paragraph] for paragraph in _paragraphs(text)], evaluated=2)


def _paragraphs(text: str) -> list[str]:
    return [paragraph.rstrip() for paragraph in re.split(r"\n\s*\n", text)]


def _source_code(module: str) -> str:
    """Return the source of a module without importing it."""
    found = find_spec(module)
    if found is None or not isinstance(found.loader, SourceLoader):
        raise InvalidInput(f"this Python has no source of its module {module}; name another dataset")
    return found.loader.get_source(module) or ""


def _part(source: Source, chapters: Sequence[Iterable[str]], *, evaluated: int) -> list[str]:
    """Return the part for calibration or evaluation, as one document: every n-th chapter is for evaluation.

    A paragraph that occurs again is used where it first occurs, so that the parts have none in common.
    """
    seen = {""}
    chosen: list[str] = []
    for number, chapter in enumerate(chapters):
        for text in chapter:
            if text not in seen and (number % evaluated == 0) == (source.purpose == "evaluation"):
                chosen.append(text)
            seen.add(text)
    return [PARAGRAPH_BREAK.join(chosen)]


def _load(source: Source, path: str, name: str, **options: Any) -> Any:  # noqa: ANN401 - `datasets` has no types
    """Load a dataset from the Hub or its cache, without any token.

    Raises InvalidInput if offline mode is on and the cache does not have it; Unreachable if the Hub does not
    answer.
    """
    from datasets import load_dataset
    from huggingface_hub import constants

    try:
        return load_dataset(path, name, token=False, **options)
    except Exception as error:  # any exception of the libraries below
        if constants.HF_HUB_OFFLINE:  # this process stays offline, so trying again gives the same answer
            raise InvalidInput(
                f"the dataset {source.dataset} is not in the cache, and offline mode (HF_HUB_OFFLINE) "
                "forbids to download it; download it first, or give the path of a local file, or 'builtin'",
                field=source.field,
            ) from error
        raise Unreachable(
            f"the dataset {source.dataset} could not be loaded from the Hugging Face Hub "
            f"({type(error).__name__})",
            "check the network, or give the path of a local file, or 'builtin'",
            field=source.field,
        ) from error
