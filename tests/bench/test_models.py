"""The page of results shows what the files of its rows say."""

import json
import re
from pathlib import Path
from pydoc_data.topics import topics

import pytest

from bench import models
from bench.rows import RESULTS, file_name, row_of
from bench.workload.subject import Subject
from pruning.errors import InvalidInput
from pruning.pipeline.run import RunRequest, Services, run
from pruning.recipe import Calibration, Evaluation, ModelReference, Recipe, Stage
from pruning.resume.store import DirectoryResumeStore
from tests.pruning.runs import Steps
from tests.pruning.tiny import save_checkpoint, tiny_llama

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
            if not name.startswith("gguf:"):
                dense = f"{measured['dense_perplexity']:.3f}"  # which transformers may compute otherwise
                assert dense in sections[row.model], row.name
            checked += 1
    assert checked == len(re.findall(r"^\| [^|-]", page, re.MULTILINE))


def test_the_page_says_how_far_exports_of_smollm2_are_from_the_targets() -> None:
    deviations: dict[str, dict[str, float]] = {"gguf:F16": {}, "gguf:Q8_0": {}}
    for row in models._rows():
        file = RESULTS / "models" / file_name(row.name)
        found = json.loads(file.read_text()) if row.model.startswith("SmolLM2") and file.exists() else {}
        if "checkpoint" not in found:
            continue
        for export in found["exports"]:
            if export["name"] in deviations:
                ratio = export["perplexity"] / found["checkpoint"]["perplexity"]
                deviations[export["name"]][row.change.removesuffix(" 50 %")] = 100 * abs(ratio - 1)
    half, eight = deviations.values()
    page = (ROOT / "docs" / "results.md").read_text()
    assert f"F16 within 0.3 % of transformers (at most {max(half.values()):.3f} %)" in page
    span = f"{min(eight.values()):.2f} to {max(eight.values()):.2f} %"
    missed = re.search(rf"Q8_0 within 0\.7 % \({re.escape(span)}: missed by ([^)]*)\)", page)
    assert missed
    assert set(re.findall("`(.*?)`", missed[1])) == {change for change, by in eight.items() if by > 0.7}


class TinySubject(Subject):
    """A tiny model, with a calibration of some windows."""

    def __init__(self, directory: Path, samples: int) -> None:
        text = str(directory / "text.txt")
        self.reference = ModelReference(id=str(directory / "model"))
        self.calibration = Calibration(dataset=text, samples=samples, sequence_length=16)
        self.request = Evaluation(dataset=text, sequence_length=16, windows=4, speed="off")
        self.texts = directory / "texts"


def test_a_resumed_row_says_so_and_is_not_compared_with_its_estimate(tmp_path: Path) -> None:
    save_checkpoint(tiny_llama(), tmp_path / "model")
    (tmp_path / "text.txt").write_text(topics["if"] * 4)
    row, workload = models.Row("Tiny", "wanda 50 %", ()), TinySubject(tmp_path, 4)
    fields = {"model": workload.reference, "calibration": workload.calibration, "dtype": row.dtype}
    recipe = Recipe.model_validate({**fields, "method": "wanda", "sparsity": 0.5})
    kept = tmp_path / "resume" / "tiny-wanda-50"
    services = Services(resume_store=DirectoryResumeStore(kept), progress=Steps(at=(Stage.PRUNE, 1)))
    with pytest.raises(InterruptedError):
        run(RunRequest(recipe, workload.request, tmp_path / "out"), services)

    with pytest.raises(InvalidInput, match="the recipe of this run was") as refused:
        models.measure_job(row, TinySubject(tmp_path, 5))
    assert str(kept) in "".join(refused.value.__notes__)

    resumed, whole = (models.measure_job(row, workload) for _ in range(2))
    assert (resumed["resumed"], whole["resumed"]) == (True, False)
    *_, of_resumed, of_whole = models._lines({"row": row.name, **found} for found in (resumed, whole))
    assert of_resumed.endswith("|  |  |")
    assert not of_whole.endswith("|  |  |")
