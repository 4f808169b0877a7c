"""The page of results shows what the files of its rows say."""

import json
import re
from pathlib import Path

from bench import models
from bench.rows import RESULTS, file_name, row_of

ROOT = Path(__file__).parents[2]
NAMES = {
    "checkpoint": "checkpoint, transformers",
    "gguf:Q4_0:gradients": "Q4_0, by gradients",
    "compressed-tensors:fp8": "FP8",
    "compressed-tensors:w4a16": "W4A16, groups of 64",
}


def test_the_page_shows_what_the_files_say() -> None:
    page = (ROOT / "docs" / "results.md").read_text().replace(" %", "%")
    sections = {text.partition("\n")[0]: text for text in page.split("\n## ")}
    checked = 0
    for row in models._rows():
        file = RESULTS / "models" / file_name(row.name)
        if not file.exists():
            continue
        found = json.loads(file.read_text())
        for measured in [*([found["checkpoint"]] if "checkpoint" in found else []), *found["exports"]]:
            name, *cells = models._cells(measured)
            if row.change == "dense" and name == "checkpoint":
                cells[2:] = []  # it is what the others are compared with
            shown = [row.change.replace(" %", "%"), NAMES.get(name, name.removeprefix("gguf:")), *cells[:5]]
            line = re.sub(" +", " ", row_of(shown)).removesuffix(" |")
            assert f"\n{line} |" in sections[row.model], row.name
            checked += 1
    assert checked == len(re.findall(r"^\| [^|-]", page, re.MULTILINE))
