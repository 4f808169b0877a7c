"""English Wikipedia prose for the benchmarks, without a download from anywhere but the package index.

The gensim wheel carries an excerpt of a Wikipedia dump among its test data: 94 articles. Every fourth
article is evaluation text, the others are calibration text, so that neither has seen the other.
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
_SHORTEST_ARTICLE = 2_000
_SHORTEST_LINE = 80
_EVERY = 4


def prepare(directory: Path) -> tuple[Path, Path]:
    """The calibration file (.jsonl, one article a line) and the evaluation file (.txt), made on first use."""
    calibration, evaluation = directory / "calibration.jsonl", directory / "evaluation.txt"
    if not (calibration.exists() and evaluation.exists()):
        directory.mkdir(parents=True, exist_ok=True)
        articles = list(_articles(_wheel(directory)))
        evaluation.write_text("\n\n".join(articles[::_EVERY]))
        rest = (article for index, article in enumerate(articles) if index % _EVERY)
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
            if len(article) > _SHORTEST_ARTICLE:
                yield article
        page.clear()


def _prose(markup: str) -> str:
    text = mwparserfromhell.parse(markup).strip_code()
    return "\n".join(line for line in text.splitlines() if len(line) > _SHORTEST_LINE)
