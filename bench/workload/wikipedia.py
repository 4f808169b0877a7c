"""English Wikipedia prose for the benchmarks, downloaded from the package index only.

The gensim wheel carries an excerpt of a Wikipedia dump among its test data: 94 articles. Every fourth
article is evaluation text and the others are calibration text, so that they share no article.
"""

import bz2
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import mwparserfromhell

_WHEEL = "gensim==4.4.0"
_DUMP = "gensim/test/test_data/enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
_MIN_ARTICLE_LENGTH = 2_000
_MIN_LINE_LENGTH = 80
_EVALUATION_STRIDE = 4


def prepare(directory: Path) -> tuple[Path, Path]:
    """Return the calibration file (.jsonl, one article per line) and the evaluation file (.txt).

    They are written on first use.
    """
    calibration, evaluation = directory / "calibration.jsonl", directory / "evaluation.txt"
    if not (calibration.exists() and evaluation.exists()):
        directory.mkdir(parents=True, exist_ok=True)
        articles = list(_articles(_wheel(directory)))
        evaluation.write_text("\n\n".join(articles[::_EVALUATION_STRIDE]))
        rest = (article for index, article in enumerate(articles) if index % _EVALUATION_STRIDE)
        calibration.write_text("".join(json.dumps({"text": article}) + "\n" for article in rest))
    return calibration, evaluation


def _wheel(directory: Path) -> Path:
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--dest",
        str(directory),
        _WHEEL,
    ]
    subprocess.run(command, check=True)  # noqa: S603 - a fixed command
    return next(directory.glob("gensim-*.whl"))


def _articles(wheel: Path) -> Iterator[str]:
    with zipfile.ZipFile(wheel) as archive:
        dump = bz2.decompress(archive.read(_DUMP))
    for _, page in ElementTree.iterparse(io.BytesIO(dump)):  # noqa: S314 - the file is pinned by version
        if not page.tag.endswith("}page"):
            continue
        text = page.findtext(".//{*}text") or ""
        if not re.match(r"#redirect", text, re.IGNORECASE):
            article = _prose(text)
            if len(article) > _MIN_ARTICLE_LENGTH:
                yield article
        page.clear()


def _prose(markup: str) -> str:
    text = mwparserfromhell.parse(markup).strip_code()
    return "\n".join(line for line in text.splitlines() if len(line) > _MIN_LINE_LENGTH)
