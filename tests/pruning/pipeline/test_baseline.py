"""A run that is compared with another refuses, at its start, what cannot be compared."""

import json
import shutil
from pathlib import Path

import pytest

from pruning.errors import InvalidInput
from pruning.recipe import Evaluation, Recipe
from pruning.report import Report
from tests.pruning.runs import Steps, run_recipe
from tests.pruning.tiny import save_checkpoint, tiny_llama

pytestmark = pytest.mark.slow

EVALUATION = {"dataset": "builtin", "sequence_length": 32, "windows": 2}


def run(
    model: Path, output: Path, baseline: Report | None = None, steps: Steps | None = None, **other: object
) -> Report:
    recipe = Recipe.model_validate({"model": str(model), "method": "magnitude", "sparsity": 0.5})
    evaluation = Evaluation.model_validate(EVALUATION | other)
    return run_recipe(recipe, evaluation, output=output, baseline=baseline, progress=steps or Steps())


def test_other_windows_another_tokenizer_and_another_model_are_refused_by_name(
    tiny_llama_dir: Path, tmp_path: Path
) -> None:
    baseline = run(tiny_llama_dir, tmp_path / "first")
    assert len(baseline.perplexity.window_losses) == 2
    assert run(tiny_llama_dir, tmp_path / "again", baseline).perplexity == baseline.perplexity

    other_model = save_checkpoint(tiny_llama(initializer_range=0.1), tmp_path / "other")
    other_tokenizer = shutil.copytree(tiny_llama_dir, tmp_path / "tokenizer")
    tokenizer = json.loads((other_tokenizer / "tokenizer.json").read_text())
    tokenizer["model"]["merges"] = tokenizer["model"]["merges"][:20]
    (other_tokenizer / "tokenizer.json").write_text(json.dumps(tokenizer))
    for number, (model, other, reason) in enumerate(
        [
            (
                tiny_llama_dir,
                {"windows": 3},
                "measured on 2 windows of 32 tokens from builtin, and this job is on 3",
            ),
            (other_tokenizer, {}, "the text or the tokenizer is another"),
            (other_model, {}, f"its dense model is {tiny_llama_dir} "),
        ]
    ):
        steps = Steps()
        with pytest.raises(InvalidInput, match=reason) as refused:
            run(model, tmp_path / f"refused-{number}", baseline, steps, **other)
        assert refused.value.field == "gate.baseline"
        assert steps.seen == []  # nothing is computed


def test_another_text_of_a_domain_is_refused_by_its_name(tiny_llama_dir: Path, tmp_path: Path) -> None:
    baseline = run(tiny_llama_dir, tmp_path / "first", domains={"code": "builtin-code"})
    same = {"code": "builtin-code", "math": "builtin-math"}  # which the baseline lacks
    assert run(tiny_llama_dir, tmp_path / "again", baseline, domains=same).domains["code"].kl is not None
    with pytest.raises(InvalidInput, match=r"in the domain code, it was .* builtin-code, .* builtin-math"):
        run(tiny_llama_dir, tmp_path / "refused", baseline, domains={"code": "builtin-math"})
