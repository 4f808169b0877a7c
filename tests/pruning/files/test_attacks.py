"""Attacks by a user who may write below an allowed root, while a run reads its files there.

Each is made at a fixed moment of a real run. It must end the run with an error that names the file, leave no
output and publish nothing; or have no effect at all.
"""

import hashlib
import os
import resource
import shutil
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save
from transformers import AutoTokenizer, PreTrainedTokenizerBase

import pruning.data.text
from pruning.checkpoint.checkpoint import resolve
from pruning.data.text import Source, read_documents
from pruning.data.windows import Reader
from pruning.errors import InvalidInput
from pruning.files import frozen_file
from pruning.files.formats import FILE_NAME
from pruning.files.frozen_file import AllowedRoots
from pruning.pipeline.run import RunRequest, keep_gradients
from pruning.recipe import ModelReference, Recipe, Stage
from pruning.report import Report
from pruning.resume.hashed_file import sha256_of
from pruning.resume.store import DirectoryResumeStore
from tests.pruning.files.attacks import (
    EVALUATION,
    SECRET,
    WEIGHTS,
    At,
    SharedGradients,
    SharedPerplexities,
    files_below,
    in_place,
    link,
    other_weights,
    refused,
)
from tests.pruning.runs import run_recipe
from tests.pruning.tiny import save_checkpoint, tiny_llama

pytestmark = [pytest.mark.threat, pytest.mark.slow]

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The allowed root; a secret lies next to it."""
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def secret(root: Path) -> Path:
    return root.parent / "secret"


@pytest.fixture
def model(root: Path) -> Path:
    directory = save_checkpoint(tiny_llama(num_hidden_layers=2), root / "team/model")
    (directory / "LICENSE").write_text("Do what you like.")
    return directory


@pytest.fixture
def pruned(model: Path, root: Path, tmp_path: Path) -> Callable[..., Report]:
    def prune(method: str = "magnitude", output: str = "out", **options: Any) -> Report:
        recipe = {"model": options.pop("model", str(model)), "method": method, "sparsity": 0.5}
        if method == "gblm":
            recipe["calibration"] = {"dataset": "builtin", "samples": 2, "sequence_length": 16}
        if "gradients" in options:
            recipe["gradients"] = options.pop("gradients")
        return run_recipe(
            Recipe.model_validate(recipe),
            EVALUATION,
            output=tmp_path / output,
            roots=AllowedRoots(models=(root,), data=(root,)),
            **options,
        )

    return prune


def test_a_killed_run_leaves_links_only_next_to_its_output(
    pruned: Callable[..., Report], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary, job = tmp_path / "temporary", tmp_path / "job"
    temporary.mkdir()
    job.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    if (child := os.fork()) == 0:
        monkeypatch.setattr(
            AutoTokenizer, "from_pretrained", lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
        )
        try:
            pruned(output="job/out")
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert list(temporary.iterdir()) == []
    assert list(job.glob("pruneserve-model-*"))  # the worker deletes the job's directory


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", WEIGHTS, "LICENSE"])
def test_a_link_planted_after_resolve_is_not_followed(
    name: str, model: Path, secret: Path, tmp_path: Path, pruned: Callable[..., Report]
) -> None:
    refused(name, "model.id", tmp_path, lambda: pruned(progress=At(Stage.PRUNE, link(model / name, secret))))


@pytest.mark.parametrize("name", ["NOTICE", "additional_chat_templates/environ.jinja", "chat_template.jinja"])
def test_a_file_that_appears_after_resolve_is_not_read(
    name: str, model: Path, secret: Path, tmp_path: Path, pruned: Callable[..., Report]
) -> None:
    (model / "additional_chat_templates").mkdir()
    pruned(progress=At(Stage.PRUNE, link(model / name, secret)))
    copied = files_below(tmp_path / "out")
    assert name not in copied
    assert not any(SECRET.encode() in (tmp_path / "out" / path).read_bytes() for path in copied)


@pytest.mark.parametrize("more", [40, 80 + 20])
def test_more_files_than_can_be_open_are_refused_as_such(more: int, model: Path, root: Path) -> None:
    for number in range(80):
        (model / f"{number}.model").write_text("")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/proc/self/fd").iterdir())) + more, limits[1]))
    try:
        with pytest.raises(InvalidInput, match="ulimit -n") as refused:
            resolve(ModelReference(id=str(model)), roots=(root,))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert refused.value.field == "model.id"


@pytest.mark.parametrize("above", ["model", "team"])
def test_a_directory_swapped_after_resolve_is_not_entered(
    above: str, model: Path, root: Path, tmp_path: Path, pruned: Callable[..., Report]
) -> None:
    elsewhere = shutil.copytree(root, tmp_path / "elsewhere") / "team"
    (elsewhere / "model/LICENSE").write_text(SECRET)
    directory, replaced_by = {"model": (model, elsewhere / "model"), "team": (model.parent, elsewhere)}[above]

    def swap() -> None:
        directory.rename(root / "aside")
        directory.symlink_to(replaced_by)

    with pytest.raises(InvalidInput, match="was changed, replaced or removed"):
        pruned(progress=At(Stage.PRUNE, swap))
    assert not (tmp_path / "out").exists()


def test_weights_swapped_between_their_digest_and_their_use_are_refused(model: Path, root: Path) -> None:
    checkpoint = resolve(ModelReference(id=str(model)), roots=(root,))
    (root / "swapped").write_bytes(other_weights(model / WEIGHTS))
    shutil.copystat(model / WEIGHTS, root / "swapped")
    (root / "swapped").replace(model / WEIGHTS)
    with pytest.raises(InvalidInput, match=f"^{WEIGHTS} was changed"):
        checkpoint.load(torch.float32, torch.device("cpu"))


@pytest.mark.parametrize(
    ("stage", "step"), [(Stage.GRADIENTS, 0), (Stage.GRADIENTS, 1), (Stage.PRUNE, 1), (Stage.EVALUATE, 0)]
)
def test_weights_rewritten_in_place_publish_nothing(
    stage: Stage, step: int, model: Path, tmp_path: Path, pruned: Callable[..., Report]
) -> None:
    content, shared = other_weights(model / WEIGHTS), SharedPerplexities()

    def run() -> Report:
        attack = At(stage, lambda: in_place(model / WEIGHTS, content), step=step)
        return pruned(
            "gblm", progress=attack, gradient_cache=SharedGradients(shared), perplexity_cache=shared
        )

    refused(WEIGHTS, "model.id", tmp_path, run)
    # Gradients that were computed and proven before the attack are honest.
    assert shared.published <= (set() if stage == Stage.GRADIENTS else {"gradients"})


def test_weights_rewritten_and_restored_publish_nothing(
    model: Path, tmp_path: Path, pruned: Callable[..., Report]
) -> None:
    honest, content, shared = (
        (model / WEIGHTS).read_bytes(),
        other_weights(model / WEIGHTS),
        SharedPerplexities(),
    )

    class Restored(At):
        def stage_finished(self, stage: Stage, seconds: float, peak_memory_bytes: int) -> None:
            in_place(model / WEIGHTS, honest)

    def run() -> Report:
        attack = Restored(Stage.GRADIENTS, lambda: in_place(model / WEIGHTS, content))
        return pruned(
            "gblm",
            progress=attack,
            gradient_cache=SharedGradients(shared),
            perplexity_cache=shared,
            schedule="whole",
        )

    refused(WEIGHTS, "model.id", tmp_path, run)
    assert shared.published == set()


@pytest.mark.parametrize("name", [WEIGHTS, "tokenizer.json"])
def test_a_change_with_unchanged_file_times_is_found_by_the_second_hash(
    name: str, model: Path, tmp_path: Path, pruned: Callable[..., Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As tmpfs does not note what is written through a mapping."""
    noted = frozen_file._Inode.of
    monkeypatch.setattr(
        frozen_file._Inode, "of", lambda descriptor: noted(descriptor)._replace(modified_ns=0, changed_ns=0)
    )
    content, shared = (model / name).read_bytes(), SharedPerplexities()
    changed = other_weights(model / name) if name == WEIGHTS else content.replace(b'"if"', b'"fi"')
    assert changed != content

    def run() -> Report:
        attack = At(Stage.EVALUATE, lambda: in_place(model / name, changed))
        return pruned(progress=attack, perplexity_cache=shared)

    refused(name, "model.id", tmp_path, run)
    assert shared.published == set()


def test_a_later_attempt_does_not_go_on_from_blocks_of_other_weights(
    model: Path, tmp_path: Path, pruned: Callable[..., Report]
) -> None:
    pruned("gblm", "honest", schedule="streamed")
    honest, content = (model / WEIGHTS).read_bytes(), other_weights(model / WEIGHTS)

    class Cancelled(Exception):
        pass

    class Poisoned(At):
        def step_finished(self, stage: Stage, done: int, steps: int) -> None:
            super().step_finished(stage, done, steps)
            if stage == Stage.PRUNE:
                raise Cancelled

    store = DirectoryResumeStore(tmp_path / "store")
    poisoned = Poisoned(Stage.GRADIENTS, lambda: in_place(model / WEIGHTS, content))
    with pytest.raises((Cancelled, InvalidInput)):
        pruned("gblm", progress=poisoned, resume_store=store, schedule="streamed")
    in_place(model / WEIGHTS, honest)
    pruned("gblm", resume_store=store, schedule="streamed")
    assert sha256_of(tmp_path / "out" / WEIGHTS) == sha256_of(tmp_path / "honest" / WEIGHTS)


@pytest.mark.parametrize("attack", ["a link", "in place"])
def test_a_gradients_file_that_changes_is_refused(
    attack: str, model: Path, root: Path, tmp_path: Path, pruned: Callable[..., Report]
) -> None:
    calibration = {"dataset": "builtin", "samples": 2, "sequence_length": 16}
    norms = Recipe.model_validate({"model": str(model), "norms": ["l1"], "calibration": calibration})
    keep_gradients(RunRequest(norms, EVALUATION, tmp_path / "first"))
    file = root / FILE_NAME
    shutil.copyfile(tmp_path / "first" / FILE_NAME, file)
    tensors = {name: tensor * 0 + 1 for name, tensor in load_file(file).items()}
    (tmp_path / "other").write_bytes(save(tensors))

    def change() -> None:
        if attack == "in place":
            in_place(file, file.read_bytes()[:-4] + b"\0\0\0\0")
        else:
            link(file, tmp_path / "other")()

    refused(
        FILE_NAME,
        "gradients",
        tmp_path,
        lambda: pruned("gblm", gradients=str(file), progress=At(Stage.PRUNE, change)),
    )


@pytest.mark.parametrize("name", ["text.txt", "windows.npy"])
def test_a_link_planted_between_check_and_use_of_a_text_is_not_followed(
    name: str, root: Path, tmp_path: Path, tokenizer: PreTrainedTokenizerBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    for directory in (root, tmp_path):
        (directory / "text.txt").write_text("honest")
        np.save(directory / "windows.npy", np.ones((4, 8), dtype=np.int64))
    text, source = root / name, Source(str(root / name), "calibration", "calibration.dataset")
    find = Path.resolve

    def found(path: Path, strict: bool = False) -> Path:
        real = find(path, strict)
        if path == text:
            link(text, tmp_path / name)()
        return real

    def read() -> object:
        if text.suffix == ".txt":
            return read_documents(source, roots=(root,))
        return Reader(tokenizer, vocabulary=8, roots=(root,)).read_token_file(source, None, None)

    monkeypatch.setattr(Path, "resolve", found)
    with pytest.raises(InvalidInput, match="does not exist or is not a readable file"):
        read()


def test_a_text_named_by_its_content_is_read_as_it_was_hashed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{hashlib.sha256(b'honest').hexdigest()}.txt"
    (root / name).write_bytes(b"honest")
    parse = pruning.data.text._from_file

    def changed_before(*arguments: Any, **options: Any) -> list[str]:
        (root / name).write_bytes(b"forged")
        return parse(*arguments, **options)

    monkeypatch.setattr(pruning.data.text, "_from_file", changed_before)
    with pytest.raises(InvalidInput, match="was changed") as failed:
        read_documents(Source(f"sha256:{name}", "calibration", "calibration.dataset"), roots=(root,))
    assert failed.value.field == "calibration.dataset"


class TestInTheCacheOfTheHub:
    @pytest.fixture
    def snapshot(self, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """The model in a Hub cache, offline: the files of a commit are links to blobs named by SHA-256."""
        repository = tmp_path / "cache/models--maker--tiny"
        directory = repository / "snapshots" / COMMIT
        for path in (directory, repository / "blobs", repository / "refs"):
            path.mkdir(parents=True)
        (repository / "refs/main").write_text(COMMIT)
        for path in model.iterdir():
            blob = repository / "blobs" / sha256_of(path)
            shutil.copyfile(path, blob)
            (directory / path.name).symlink_to(f"../../blobs/{blob.name}")
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        return directory

    @pytest.mark.parametrize("name", [WEIGHTS, "LICENSE"])
    def test_a_link_that_is_turned_after_resolve_has_no_effect(
        self,
        name: str,
        snapshot: Path,
        model: Path,
        secret: Path,
        tmp_path: Path,
        pruned: Callable[..., Report],
    ) -> None:
        pruned(output="honest")
        pruned(model="maker/tiny", progress=At(Stage.PRUNE, link(snapshot / name, secret)))
        assert sha256_of(tmp_path / "out" / name) == sha256_of(tmp_path / "honest" / name)

    def test_a_link_that_leads_out_of_the_models_part_of_the_cache_is_refused(
        self, snapshot: Path, secret: Path, pruned: Callable[..., Report]
    ) -> None:
        link(snapshot / "LICENSE", secret)()
        with pytest.raises(InvalidInput, match="is outside the allowed directories"):
            pruned(model="maker/tiny")

    def test_a_blob_that_is_not_what_the_hub_declares_publishes_nothing(
        self, snapshot: Path, tmp_path: Path, pruned: Callable[..., Report]
    ) -> None:
        blob, shared = (snapshot / WEIGHTS).resolve(), SharedPerplexities()
        blob.write_bytes(other_weights(blob))
        refused(
            WEIGHTS,
            "model.id",
            tmp_path,
            lambda: pruned(
                "gblm", model="maker/tiny", gradient_cache=SharedGradients(shared), perplexity_cache=shared
            ),
        )
        assert shared.published == set()
