"""An interrupted run resumes at the first unfinished block, and ends like an uninterrupted one."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from pruning.errors import InvalidInput
from pruning.methods.results import PrunedBlock, StoredBlocks
from pruning.models import memory
from pruning.recipe import Evaluation, Recipe, Stage
from pruning.report import Report
from pruning.resume.hashed_file import HashedFile, sha256_of
from pruning.resume.store import ActivationCheckpoint, DirectoryResumeStore, SaveThrottle
from tests.pruning.runs import Steps, run_recipe
from tests.pruning.tiny import save_checkpoint, tiny_llama
from tests.tiers import nightly

pytestmark = pytest.mark.slow

EVALUATION = Evaluation(dataset="builtin", sequence_length=32, windows=2)
CALIBRATION = {"dataset": "builtin", "samples": 3, "sequence_length": 24}
RECIPES: dict[str, dict[str, Any]] = {
    "gblm": {"method": "gblm"},
    "new weights, layer by layer": {"method": "sparsegpt", "order": "layers"},
    "toward the dense model": {"method": "wanda", "refit": {"toward": 0.5}, "order": "layers"},
    "allocated by outliers": {"method": "wanda", "allocation": "owl"},
    "allocated by gradients": {"method": "gblm", "allocation": "gradient"},
    "no calibration": {"method": "magnitude"},
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint(tiny_llama(num_hidden_layers=4), tmp_path_factory.mktemp("resume") / "model")


@pytest.fixture
def pruned_blocks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The numbers of the blocks in the order in which they are pruned."""
    pruned: list[int] = []
    put = StoredBlocks.put

    def watched(self: StoredBlocks, block: int, result: PrunedBlock) -> None:
        pruned.append(block)
        put(self, block, result)

    monkeypatch.setattr(StoredBlocks, "put", watched)
    return pruned


def recipe(model: Path, **fields: Any) -> Recipe:
    calibration = {} if fields["method"] == "magnitude" else {"calibration": CALIBRATION}
    return Recipe.model_validate({"model": str(model), "sparsity": 0.5, **calibration, **fields})


def contents(output: Path) -> dict[str, str]:
    """Return the checksum of every file, and the report without the cost of its stages."""
    report = json.loads((output / "pruning_report.json").read_text())
    for stage in report["stages"]:
        del stage["seconds"], stage["peak_memory_bytes"]
    files = (path for path in output.iterdir() if path.name not in ("pruning_report.json", "README.md"))
    return {path.name: sha256_of(path) for path in files} | {"report": json.dumps(report)}


@pytest.fixture(scope="module")
def uninterrupted(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Any, int]]:
    """A function that returns the contents of an uninterrupted run, and its number of steps."""
    known: dict[str, tuple[dict[str, str], int]] = {}

    def of(name: str, **options: Any) -> tuple[dict[str, str], int]:
        key = f"{name} {options}"
        if key not in known:
            output, progress = tmp_path_factory.mktemp("uninterrupted") / "out", Steps()
            run_recipe(
                recipe(model, **RECIPES[name]), EVALUATION, output=output, progress=progress,
                save_masks=True, **options,
            )  # fmt: skip
            known[key] = contents(output), len(progress.seen)
        return known[key]

    return of


def attempt(model: Path, name: str, directory: Path, **options: Any) -> Report:
    return run_recipe(
        recipe(model, **RECIPES[name]),
        EVALUATION,
        output=directory / "out",
        resume_store=DirectoryResumeStore(directory / "resume"),
        save_masks=True,
        **options,
    )


def after_block(block: int) -> Steps:
    """Ends a run after a block of the prune stage."""
    return Steps(at=(Stage.PRUNE, block + 1))


def stopped(model: Path, name: str, directory: Path, progress: Steps, **options: Any) -> None:
    with pytest.raises(InterruptedError):
        attempt(model, name, directory, progress=progress, **options)
    assert not (directory / "out").exists()


def lose_activation_checkpoint(directory: Path) -> None:
    for path in (directory / "resume").rglob("activations*"):
        path.unlink()


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("schedule", [nightly("whole"), "streamed"])
def test_a_run_interrupted_at_every_step_ends_like_an_uninterrupted_one(
    schedule: str,
    model: Path,
    uninterrupted: Callable[..., tuple[Any, int]],
    pruned_blocks: list[int],
    tmp_path: Path,
) -> None:
    expected, steps = uninterrupted("gblm", schedule=schedule)
    pruned_blocks.clear()
    attempts = 1
    while not (tmp_path / "out").exists():
        with suppress(InterruptedError):  # each attempt gets one step further
            attempt(model, "gblm", tmp_path, progress=Steps(after=attempts), schedule=schedule)
        attempts += 1
    assert 5 < attempts <= steps + 1
    assert contents(tmp_path / "out") == expected
    assert pruned_blocks == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "activation_checkpoint",
    [nightly(True), False],
    ids=["checkpoint kept", "checkpoint lost"],
)
@pytest.mark.parametrize("name", [name for name in RECIPES if name != "gblm"])
def test_a_run_interrupted_after_every_block_ends_like_an_uninterrupted_one(
    name: str,
    activation_checkpoint: bool,
    model: Path,
    uninterrupted: Callable[..., tuple[Any, int]],
    pruned_blocks: list[int],
    tmp_path: Path,
) -> None:
    expected, _ = uninterrupted(name)
    pruned_blocks.clear()
    for block in range(3):
        stopped(model, name, tmp_path, after_block(block))
        if not activation_checkpoint:
            lose_activation_checkpoint(tmp_path)
    attempt(model, name, tmp_path)
    assert contents(tmp_path / "out") == expected
    assert pruned_blocks == [0, 1, 2, 3]


def test_a_run_resumed_after_the_last_block_repeats_no_gradients_or_measures(
    model: Path, uninterrupted: Callable[..., tuple[Any, int]], tmp_path: Path
) -> None:
    expected, steps = uninterrupted("gblm")
    stopped(model, "gblm", tmp_path, Steps(after=steps))
    progress = Steps()
    attempt(model, "gblm", tmp_path, progress=progress)
    assert contents(tmp_path / "out") == expected
    stages = [stage for stage, *_ in progress.seen]
    assert stages.count(Stage.GRADIENTS) == stages.count(Stage.PRUNE) == 0
    assert stages.count(Stage.EVALUATE) == 2


@pytest.mark.parametrize("block", [0, 1])
def test_only_a_damaged_shard_is_computed_again(
    block: int,
    model: Path,
    uninterrupted: Callable[..., tuple[Any, int]],
    pruned_blocks: list[int],
    tmp_path: Path,
) -> None:
    expected, _ = uninterrupted("allocated by gradients")
    stopped(model, "allocated by gradients", tmp_path, after_block(2))
    damage(tmp_path / f"resume/prune/{block:05}.safetensors")
    pruned_blocks.clear()
    attempt(model, "allocated by gradients", tmp_path)
    assert pruned_blocks == [block, 3]
    assert contents(tmp_path / "out") == expected


def test_a_damaged_activation_checkpoint_is_ignored(
    model: Path, uninterrupted: Callable[..., tuple[Any, int]], tmp_path: Path
) -> None:
    expected, _ = uninterrupted("gblm")
    stopped(model, "gblm", tmp_path, after_block(1))
    (state,) = (tmp_path / "resume/prune").glob("activations-*")
    damage(state)
    attempt(model, "gblm", tmp_path)
    assert contents(tmp_path / "out") == expected


def test_a_run_resumes_from_an_activation_checkpoint_before_its_last_block(
    model: Path,
    uninterrupted: Callable[..., tuple[Any, int]],
    pruned_blocks: list[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected, _ = uninterrupted("gblm")
    pruned_blocks.clear()
    due = [True]
    monkeypatch.setattr(SaveThrottle, "is_due", lambda throttle, size: bool(due) and due.pop())
    stopped(model, "gblm", tmp_path, after_block(2))
    (state,) = (tmp_path / "resume/prune").glob("activations-*")
    with safe_open(state, framework="pt") as file:
        assert file.metadata()["block"] == "1"  # though blocks 0 to 2 are finished
    attempt(model, "gblm", tmp_path)
    assert contents(tmp_path / "out") == expected
    assert pruned_blocks == [0, 1, 2, 3]


def test_under_another_numerics_key_the_stage_starts_again(
    model: Path,
    uninterrupted: Callable[..., tuple[Any, int]],
    pruned_blocks: list[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected, _ = uninterrupted("gblm")
    with monkeypatch.context() as other:
        other.setitem(memory.FULL_SPEED_TOKENS, "cpu", 24)
        stopped(model, "gblm", tmp_path, after_block(2))
    pruned_blocks.clear()
    attempt(model, "gblm", tmp_path)
    assert pruned_blocks == [0, 1, 2, 3]
    assert contents(tmp_path / "out") == expected


def test_resuming_with_another_model_is_refused(model: Path, tmp_path: Path) -> None:
    own = tmp_path / "model"
    shutil.copytree(model, own)
    stopped(own, "gblm", tmp_path, after_block(1))
    damage(own / "model.safetensors")
    with pytest.raises(InvalidInput, match="digest of this run was sha256:") as refused:
        attempt(own, "gblm", tmp_path)
    assert refused.value.field == "model.id"


def test_resuming_with_other_windows_is_refused(model: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    wanted = recipe(model, method="gblm", calibration=CALIBRATION | {"dataset": str(text)})
    resume_store = DirectoryResumeStore(tmp_path / "resume")
    text.write_text("The suite of the for statement. " * 100)
    with pytest.raises(InterruptedError):
        run_recipe(
            wanted,
            EVALUATION,
            output=tmp_path / "out",
            resume_store=resume_store,
            progress=after_block(1),
        )
    text.write_text("The suite of the if statement. " * 100)
    with pytest.raises(InvalidInput, match="the calibration of this run was") as refused:
        run_recipe(wanted, EVALUATION, output=tmp_path / "out", resume_store=resume_store)
    assert refused.value.field == "calibration"


def test_only_the_newest_intact_activation_checkpoint_is_loaded(tmp_path: Path) -> None:
    activation_checkpoint = ActivationCheckpoint(tmp_path, {"threads": 1})
    for block in (1, 2):
        activation_checkpoint.save(block, {"hidden": torch.full((2, 3), block, dtype=torch.bfloat16)})
    (path,) = tmp_path.iterdir()
    (tmp_path / "activations.partial").write_bytes(b"cut off")
    found = ActivationCheckpoint(tmp_path, {"threads": 1}).load()
    assert found is not None
    assert found[0] == 2
    assert torch.equal(found[1]["hidden"], torch.full((2, 3), 2.0, dtype=torch.bfloat16))
    assert ActivationCheckpoint(tmp_path, {"threads": 2}).load() is None
    path.write_bytes(path.read_bytes()[:-1])
    assert activation_checkpoint.load() is None


def test_a_directory_says_once_why_its_blocks_are_computed_again(tmp_path: Path) -> None:
    messages: list[str] = []
    before = {"threads": 2, "prune: windows at once": 4, "gradients l2": "a" * 64}
    store = DirectoryResumeStore(tmp_path, messages.append)
    assert store.begin(Stage.PRUNE, before) == {}
    for block in range(2):
        path = store.directory(Stage.PRUNE) / f"{block}.safetensors"
        path.write_bytes(b"masks")
        store.commit(Stage.PRUNE, block, HashedFile.of(path))
    assert store.begin(Stage.PRUNE, before).keys() == {0, 1}
    of_others = before | {"gradients l2": "b" * 64}  # which are reported where the norms are computed
    assert store.begin(Stage.PRUNE, of_others) == {}
    assert messages == []
    now = before | {"threads": 4, "prune: windows at once": 2}
    assert store.begin(Stage.PRUNE, now) == store.begin(Stage.PRUNE, now) == {}
    assert messages == [
        "prune: threads was 2, is 4; windows at once was 4, is 2: 2 finished blocks are computed again"
    ]


@pytest.mark.threat
@pytest.mark.parametrize(
    "torch_version",
    ["\x1b]52;c;ZXZpbA==\x07\x1b[2J\n##vso[task.setvariable]/evil", "\u202e\x9b31m", "x" * 10_000],
)
def test_what_a_note_says_commands_no_terminal(tmp_path: Path, torch_version: str) -> None:
    note = {"block": 0, "file": "x", "sha256": "0", "numerics_key": {"torch": torch_version}}
    messages: list[str] = []
    store = DirectoryResumeStore(tmp_path, messages.append)
    (store.directory(Stage.PRUNE) / "0.note.json").write_text(json.dumps(note))
    assert store.begin(Stage.PRUNE, {"torch": "2"}) == {}
    (line,) = messages
    assert "torch was '" in line
    assert line.isascii()
    assert line.isprintable()
    assert "##" not in line
    assert len(line) < 300


@pytest.mark.threat
@pytest.mark.parametrize(
    "note",
    [
        '{"block": 0}',
        "[]",
        "",
        "\xff",
        '{"numerics_key": {"torch": "2"}, "file": "a", "sha256": "x"',
        '{"numerics_key": {"torch": "2"}, "file": "../../../etc/hostname", "sha256": "x", "block": 0}',
        '{"numerics_key": {"torch": "2"}, "file": "..", "sha256": "x", "block": 0}',
    ],
)
def test_a_note_that_is_none_is_ignored(tmp_path: Path, note: str) -> None:
    store = DirectoryResumeStore(tmp_path)
    (store.directory(Stage.PRUNE) / "0.note.json").write_bytes(note.encode("latin-1"))
    assert store.begin(Stage.PRUNE, {"torch": "2"}) == {}
