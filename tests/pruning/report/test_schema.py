import json
from mmap import PAGESIZE, mmap
from pathlib import Path

import pytest
import torch
from huggingface_hub import ModelCard
from huggingface_hub.repocard_data import model_index_to_eval_results
from pydantic import ValidationError

from pruning.output.model_card import model_card
from pruning.report import Environment, PerplexityFacts, Report
from pruning.runtime.process_memory import PeakMemory
from tests.report_document import REPORT, export


def test_the_model_card_shows_every_measurement() -> None:
    further = {**REPORT["perplexity"], "dataset": "/data/other.txt", "dense": 9.0, "pruned": 18.0}
    score = {
        "task": "rhymes",
        "version": "1",
        "metric": "acc",
        "examples": 10,
        "dense": 0.75,
        "pruned": 0.5,
        "dense_stderr": None,
        "pruned_stderr": None,
    }
    shown = {
        "domains": {"code": further | {"kl": 0.25, "agreement": 0.625}},
        "zero_shot": {"harness": "0.4", "scores": [score]},
    }
    card = model_card(Report.model_validate_json(json.dumps({**REPORT, **shown})), licence=None)
    assert "| perplexity, pruned | 10.000 (+25.0%) |\n\n| domain | text |" in card
    row = "| code | other.txt | 9.000 | 18.000 (+100.0%) | 0.2500 | 62.5% |"
    assert f"{row}\n\n| zero-shot, lm-evaluation-harness 0.4 |" in card
    assert "| rhymes, acc | 0.7500 | 0.5000 |\n\nPerplexity: " in card
    compared = {"perplexity": {**REPORT["perplexity"], "kl": 0.25, "agreement": 0.625}}
    with_fidelity = model_card(Report.model_validate_json(json.dumps({**REPORT, **compared})), licence=None)
    assert "| KL(dense ‖ pruned), nats per token | 0.2500 |\n" in with_fidelity
    assert "| same most probable token as the dense model | 62.5% |\n\nPerplexity: " in with_fidelity
    plain = model_card(Report.model_validate_json(json.dumps(REPORT)), licence=None)
    assert "(+25.0%) |\n\nPerplexity: " in plain
    assert "zero-shot" not in plain


def test_the_model_card_lists_the_exports_with_what_runs_them() -> None:
    exports = [
        export("gguf:Q8_0", 120_000, 0.5, path="exports/my model-Q8_0.gguf"),
        export("compressed-tensors:fp8", 150_000, None),
    ]
    unpruned = {"recipe": {"model": "org/name", "method": "none"}}
    card = model_card(Report.model_validate_json(json.dumps(REPORT | {"exports": exports})), licence=None)
    assert (
        "| `exports/my model-Q8_0.gguf` | 120 kB | 10.000 (+25.0%) | 0.5000 "
        "| `llama-cli -m 'exports/my model-Q8_0.gguf'` |\n"
        "| `exports/compressed-tensors-fp8` | 150 kB | 10.000 (+25.0%) | - "
        "| `vllm serve exports/compressed-tensors-fp8` |\n"
    ) in card
    assert "8 windows of 512 tokens" in card
    one = {"exports": [export("gguf:Q8_0", 9, None) | {"windows": 1}]}
    one["perplexity"] = REPORT["perplexity"] | {"windows": 1}
    single = model_card(Report.model_validate_json(json.dumps(REPORT | one)), licence=None)
    assert single.count("1 window of ") == 3  # of the perplexity twice
    assert "1 windows" not in single
    assert "8.000 by llama.cpp b1; 8.000 by transformers." in card
    dense = model_card(Report.model_validate_json(json.dumps(REPORT | unpruned)), licence=None)
    assert "# name, not pruned" in dense
    for word in ("zero", "sparse", "How to profit", "Exports", "- pruned"):
        assert word not in dense


def test_the_hub_reads_what_the_model_card_says(tmp_path: Path) -> None:
    windows = {"weight": 1.0, "windows": 2, "fingerprint": "3" * 64, "notes": []}
    sets = [{"dataset": name, **windows} for name in ("c4", "sha256:" + "4" * 64 + ".txt", "c4")]
    calibration = {"sets": sets, "windows": 6, "sequence_length": 4, "tokens": 24, "fingerprint": "5" * 64}
    bound = {**REPORT["perplexity"], "dataset": "c4", "cut_short": True}
    other = {**REPORT["perplexity"], "dataset": "wikitext2", "pruned": 12.5}
    document = {**REPORT, "calibration": calibration, "domains": {"a": bound, "b": other}}
    card = tmp_path / "README.md"
    card.write_text(
        model_card(
            Report.model_validate_json(json.dumps(document)), licence="apache-2.0", languages=["en", "no"]
        )
    )
    read = ModelCard.load(card)
    data = read.data.to_dict()
    assert (data["base_model"], data["base_model_relation"]) == ("org/name", "finetune")
    assert (data["license"], data["datasets"]) == ("apache-2.0", ["allenai/c4"])
    assert data["language"] == ["en", "no"]
    found = [(one.dataset_type, one.metric_type, one.metric_value) for one in read.data.eval_results]
    assert found == [("builtin", "perplexity", 10.0), ("Salesforce/wikitext", "perplexity", 12.5)]
    assert model_index_to_eval_results(data["model-index"])[1] == read.data.eval_results
    local = {**REPORT, "model": {**REPORT["model"], "id": "/srv/models/mine"}}
    card.write_text(model_card(Report.model_validate_json(json.dumps(local)), licence=None))
    assert {"base_model", "base_model_relation", "language"}.isdisjoint(ModelCard.load(card).data.to_dict())


@pytest.mark.parametrize(
    ("pattern", "said"),
    [("2:4", "to_sparse_semi_structured"), ("4:8", "neither time nor memory by themselves")],
)
def test_the_model_card_says_what_the_pattern_gives(pattern: str, said: str) -> None:
    recipe = {"model": "org/name", "method": "wanda", "pattern": pattern}
    card = model_card(Report.model_validate_json(json.dumps({**REPORT, "recipe": recipe})), licence=None)
    assert said in card


def test_a_report_round_trips_through_json_with_its_computed_fields() -> None:
    report = Report.model_validate_json(json.dumps(REPORT))
    written = report.model_dump_json()
    assert Report.model_validate_json(written) == report
    assert json.loads(written)["perplexity"]["increase"] == 0.25
    assert json.loads(written)["sparsity"]["overall"] == 0.2, "weighted by size"
    assert json.loads(written)["sparsity"]["layers"][0]["sparsity"] == 0.5


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_report_refuses_numbers_that_json_lacks(value: float) -> None:
    facts = PerplexityFacts.model_validate(REPORT["perplexity"]).model_dump(exclude={"increase"})
    with pytest.raises(ValidationError):
        PerplexityFacts.model_validate({**facts, "pruned": value})


def test_a_report_of_a_later_version_can_be_read() -> None:
    Report.model_validate_json(json.dumps({**REPORT, "tasks": {"boolq": 0.6}}))


def test_the_environment_names_the_installed_versions() -> None:
    here = Environment.here(device="cpu", dtype="float32", threads=1, attention="sdpa")
    assert here.torch == torch.__version__
    assert here.pruneserve


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux can reset a peak")
def test_the_peak_memory_of_a_stage_excludes_the_stage_before() -> None:
    memory = PeakMemory(torch.device("cpu"))
    memory.reset()
    before = memory.peak()
    with mmap(-1, 2**28) as large:  # from the system: malloc may have as much that was freed
        large[::PAGESIZE] = b"x" * (2**28 // PAGESIZE)
        with_large = memory.peak()
    memory.reset()
    after = memory.peak()
    assert with_large - before > 200 * 2**20
    assert with_large - after > 200 * 2**20
