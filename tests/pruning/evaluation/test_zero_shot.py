"""Zero-shot tasks: refusals always, measurements only where lm-evaluation-harness is installed."""

import importlib.util
import json
import keyword
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM, PreTrainedTokenizerBase

from pruning.errors import InvalidInput, Unreachable
from pruning.evaluation.zero_shot import Tasks
from pruning.files.frozen_file import AllowedRoots
from pruning.pipeline.evaluate import NO_LIMIT, PerplexityLimit
from pruning.progress import Silent
from pruning.recipe import Evaluation, Recipe, Stage
from pruning.report import Report
from pruning.resume.store import DirectoryResumeStore
from tests.pruning.runs import run_recipe
from tests.pruning.tiny import tiny_llama
from tests.tiers import nightly

pytestmark = pytest.mark.slow

with_harness = pytest.mark.skipif(
    importlib.util.find_spec("lm_eval") is None,
    reason="lm-evaluation-harness is not installed (extra `zero-shot`)",
)

CLOZE = Path(__file__).parents[3] / "bench" / "cloze"
QUESTIONS = [
    {
        "question": f"The {word} statement",
        "choices": [" is executed", " suite", " if the"],
        "answer": number % 3,
    }
    for number, word in enumerate(keyword.kwlist)
]
DEFINITION = """
task: {name}
dataset_path: json
dataset_kwargs:
  data_files:
    test: {file}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{question}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: "{{{{answer}}}}"
target_delimiter: ""
num_fewshot: 3
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
metadata:
  version: 2.5
"""


@pytest.fixture
def own_tasks_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the harness's own tasks, thousands of files that take seconds to read, out of its index."""
    from lm_eval.tasks import _index

    find = _index.TaskIndex._iter_yaml_files
    own = Path(_index.__file__).parent
    monkeypatch.setattr(
        _index.TaskIndex, "_iter_yaml_files", staticmethod(lambda root: () if root == own else find(root))
    )


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("tasks")
    (directory / "questions.jsonl").write_text("".join(json.dumps(one) + "\n" for one in QUESTIONS))
    for name, file in (("tiny_choice", "questions.jsonl"), ("without_data", "none.jsonl")):
        (directory / f"{name}.yaml").write_text(DEFINITION.format(name=name, file=directory / file))
    return directory


def accuracy(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase, questions: list[dict]) -> float:
    """Return the share of questions whose right answer is the most likely continuation."""
    right = 0
    for one in questions:
        likelihoods = []
        for choice in one["choices"]:
            context = tokenizer(one["question"])["input_ids"]
            ids = tokenizer(one["question"] + choice)["input_ids"]
            with torch.no_grad():
                scores = model(torch.tensor([ids])).logits[0].log_softmax(-1)
            likelihoods.append(
                sum(float(scores[place - 1, ids[place]]) for place in range(len(context), len(ids)))
            )
        right += likelihoods.index(max(likelihoods)) == one["answer"]
    return right / len(questions)


@with_harness
@pytest.mark.usefixtures("own_tasks_only")
def test_both_models_are_scored_without_an_example_in_the_prompt(
    tiny_llama_dir: Path, tmp_path: Path, definitions: Path
) -> None:
    report = run_recipe(
        Recipe.model_validate({"model": str(tiny_llama_dir), "method": "magnitude", "sparsity": 0.7}),
        Evaluation(dataset="builtin", sequence_length=32, windows=2, tasks=("tiny_choice",)),
        output=tmp_path / "out",
        roots=AllowedRoots(tasks=(definitions,)),
    )
    assert report.zero_shot is not None
    (facts,) = report.zero_shot.scores
    assert (facts.task, facts.metric, facts.examples, facts.version) == (
        "tiny_choice",
        "acc",
        len(QUESTIONS),
        "2.5",
    )
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama_dir)
    for directory, score in ((tiny_llama_dir, facts.dense), (tmp_path / "out", facts.pruned)):
        model = AutoModelForCausalLM.from_pretrained(directory)
        assert score == pytest.approx(accuracy(model, tokenizer, QUESTIONS))
    assert facts.dense_stderr is not None
    assert facts.interval is not None
    assert facts.interval.low <= facts.pruned <= facts.interval.high
    assert facts.outcomes is not None
    assert facts.outcomes.count("1") / len(QUESTIONS) == facts.pruned


@with_harness
@pytest.mark.nightly
def test_a_definition_is_found_beside_those_of_the_harness(definitions: Path) -> None:
    tasks = Tasks(Evaluation(tasks=("tiny_choice",)), (definitions,))
    assert "hellaswag" in tasks._manager.task_index


@with_harness
@pytest.mark.usefixtures("own_tasks_only")
def test_a_limit_takes_the_first_examples_and_check_can_stop_within_a_task(
    tokenizer: PreTrainedTokenizerBase, definitions: Path
) -> None:
    tasks = Tasks(Evaluation(tasks=("tiny_choice",), task_limit=2), (definitions,))
    model = tiny_llama()
    (score,) = tasks.scores(0, model, tokenizer, check=lambda: None)
    assert score.examples == 2
    assert score.value == pytest.approx(accuracy(model, tokenizer, QUESTIONS[:2]))
    assert list(score.of_examples) == [accuracy(model, tokenizer, [one]) for one in QUESTIONS[:2]]

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        tasks.scores(0, model, tokenizer, check=stop)
    assert not model._forward_pre_hooks


@with_harness
@pytest.mark.usefixtures("own_tasks_only")
def test_the_cloze_task_of_this_repository_is_scored(tokenizer: PreTrainedTokenizerBase) -> None:
    tasks = Tasks(Evaluation(tasks=("wikipedia_cloze",), task_limit=8), (CLOZE,))
    model = tiny_llama(max_position_embeddings=1024)
    (score,) = tasks.scores(0, model, tokenizer, check=lambda: None)
    lines = (CLOZE / "wikipedia_cloze.jsonl").read_text().splitlines()
    assert (score.task, score.metric, score.examples) == ("wikipedia_cloze", "acc", 8)
    assert score.value == pytest.approx(accuracy(model, tokenizer, [json.loads(line) for line in lines[:8]]))


@with_harness
@pytest.mark.usefixtures("own_tasks_only")
@pytest.mark.parametrize("name", ["no_such_task", "tiny_choice.yaml"])
def test_an_unknown_task_is_refused_with_its_index(definitions: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match=f"{name} is neither a task of") as caught:
        Tasks(Evaluation(tasks=("tiny_choice", name)), (definitions,))
    assert caught.value.field == "evaluation.tasks.1"


@pytest.fixture
def scored_by_code(
    monkeypatch: pytest.MonkeyPatch, own_tasks_only: None, definitions: Path, tmp_path: Path
) -> Path:
    """The directory of definitions that are made to be the only ones of the harness itself."""
    from lm_eval.tasks import _index

    choosing = DEFINITION.format(name="choosing", file=definitions / "questions.jsonl")
    writing = choosing.replace("multiple_choice", "generate_until").replace(
        "metric: acc", "metric: exact_match"
    )
    own_filter = "{function: custom, filter_fn: !function scoring.score}"
    for name, text in {
        "choosing": f"{choosing}process_results: !function scoring.score\n",
        "writing": writing,
        "scored": f"{writing}process_results: !function scoring.score\n",
        "measured": writing.replace("metric: exact_match", "metric: !function scoring.score"),
        "filtered": f"{writing}filter_list: [{{name: own, filter: [{own_filter}]}}]\n",
        "many": "group: many\ntask: [writing, scored]\n",
    }.items():
        (tmp_path / f"{name}.yaml").write_text(text.replace("task: choosing", f"task: {name}"))
    (tmp_path / "scoring.py").write_text("def score(document, results):\n    return eval(results[0])\n")
    find = _index.TaskIndex._iter_yaml_files
    own = Path(_index.__file__).parent
    monkeypatch.setattr(
        _index.TaskIndex,
        "_iter_yaml_files",
        staticmethod(lambda root: find(tmp_path if root == own else root)),
    )
    return tmp_path


@with_harness
@pytest.mark.threat
@pytest.mark.parametrize(
    ("name", "refused"),
    [("scored", "scored"), ("measured", "measured"), ("filtered", "filtered"), ("many", "scored")],
)
def test_code_of_a_task_reads_what_a_model_writes_only_if_the_operator_defines_it(
    scored_by_code: Path, name: str, refused: str
) -> None:
    with pytest.raises(
        InvalidInput, match=f"{refused} runs code of its own on text that the model"
    ) as caught:
        Tasks(Evaluation(tasks=("writing", "choosing", name)), ())
    assert caught.value.field == "evaluation.tasks.2"
    Tasks(Evaluation(tasks=(name,)), (scored_by_code,))


@with_harness
@pytest.mark.usefixtures("own_tasks_only")
def test_a_task_whose_data_cannot_be_loaded_is_named(definitions: Path) -> None:
    with pytest.raises(Unreachable, match="without_data could not be loaded") as caught:
        Tasks(Evaluation(tasks=("without_data",)), (definitions,))
    assert caught.value.field == "evaluation.tasks.0"


def test_without_the_harness_tasks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "lm_eval" else find(name))
    with pytest.raises(InvalidInput, match="pip install 'lm-eval") as caught:
        Tasks(Evaluation(tasks=("hellaswag",)), ())
    assert caught.value.field == "evaluation.tasks"


@pytest.mark.parametrize("name", ["/data/task.yaml", "../task", "mmlu*", "", "a b", "a\n", "a" * 129])
def test_a_task_is_never_a_path_or_a_wildcard(name: str) -> None:
    with pytest.raises(ValidationError):
        Evaluation.model_validate({"tasks": [name]})


@with_harness
@pytest.mark.usefixtures("own_tasks_only")
@pytest.mark.threat
def test_a_definition_that_changes_while_it_is_used_ends_the_run(
    tiny_llama_dir: Path, tmp_path: Path, definitions: Path
) -> None:
    own = shutil.copytree(definitions, tmp_path / "own")
    data = own / "questions.jsonl"
    for path in own.glob("*.yaml"):
        path.write_text(path.read_text().replace(str(definitions), str(own)))

    class Rewriting(Silent):
        def stage_started(self, stage: Stage, steps: int) -> None:
            if stage == Stage.PRUNE:
                data.write_text(data.read_text() * 2)

    with pytest.raises(InvalidInput, match=r"questions\.jsonl was changed") as refused:
        run_recipe(
            Recipe.model_validate({"model": str(tiny_llama_dir), "method": "magnitude", "sparsity": 0.7}),
            Evaluation(dataset="builtin", sequence_length=32, windows=2, tasks=("tiny_choice",)),
            output=tmp_path / "out",
            roots=AllowedRoots(tasks=(own,)),
            progress=Rewriting(),
        )
    assert refused.value.field == "evaluation.tasks"


@with_harness
@pytest.mark.usefixtures("own_tasks_only")
@pytest.mark.parametrize("changed", [nightly("limit"), "files"])
def test_scores_of_other_files_or_under_another_limit_are_not_resumed(
    changed: str, tiny_llama_dir: Path, tmp_path: Path, definitions: Path
) -> None:
    own = shutil.copytree(definitions, tmp_path / "own")
    for path in own.glob("*.yaml"):
        path.write_text(path.read_text().replace(str(definitions), str(own)))

    def attempt(output: str, **options: Any) -> Report:
        return run_recipe(
            Recipe.model_validate({"model": str(tiny_llama_dir), "method": "magnitude", "sparsity": 0.7}),
            Evaluation(dataset="builtin", sequence_length=32, windows=2, tasks=("tiny_choice",)),
            output=tmp_path / output,
            roots=AllowedRoots(tasks=(own,)),
            **options,
        )

    class Ending(Silent):
        def stage_finished(self, stage: Stage, *_: Any) -> None:
            if stage == Stage.EVALUATE:
                raise InterruptedError

    limit = PerplexityLimit(perplexity=1.0) if changed == "limit" else NO_LIMIT
    store = partial(DirectoryResumeStore, tmp_path / "state")
    with pytest.raises(InterruptedError):
        attempt("out", limit=limit, progress=Ending(), resume_store=store())
    if changed == "files":
        data = own / "questions.jsonl"
        data.write_text("".join(data.read_text().splitlines(keepends=True)[:-1]))
    resumed, whole = attempt("out", resume_store=store()), attempt("whole")
    assert resumed.zero_shot == whole.zero_shot is not None
    assert resumed.perplexity == whole.perplexity
