"""Hostile files are refused, whatever becomes of the helper that reads them."""

import faulthandler
import os
import resource
import signal
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from pruning.checkpoint.checkpoint import resolve
from pruning.checkpoint.description import Description
from pruning.checkpoint.files import ModelFiles
from pruning.errors import InvalidInput
from pruning.files.frozen_file import freeze
from pruning.recipe import ModelReference
from pruning.sandbox import fork_server as fork_server_module
from pruning.sandbox.confine import SandboxLimits, _address_space
from pruning.sandbox.sandbox import Sandbox
from tests.pruning.sandbox.reads import SMALL, helper_of, ids, refusal, with_tokenizer

pytestmark = [pytest.mark.threat, pytest.mark.slow]


# A letter becomes a million letters, and each of those becomes a million.
_MILLIONS = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 1_000_000}


BOMB = {"type": "Sequence", "normalizers": [_MILLIONS, _MILLIONS]}


PADDING = {
    "strategy": {"Fixed": 10**12},
    "direction": "Right",
    "pad_to_multiple_of": None,
    "pad_id": 0,
    "pad_type_id": 0,
    "pad_token": "<s>",
}


def test_a_tokenizer_that_aborts_its_process_is_refused(model_dir: Path) -> None:
    checkpoint = with_tokenizer(model_dir, normalizer=BOMB)
    tokenizer = checkpoint.tokenizer()
    if (child := os.fork()) == 0:  # where it is read, the process ends, and no exception is raised
        allowed = _address_space() + SMALL.memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (allowed, allowed))
        faulthandler.disable()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        with suppress(BaseException):
            tokenizer("a")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGABRT
    message = refusal(Sandbox(SMALL), checkpoint, "a")
    assert "it ends the process that reads it (SIGABRT)" in message


def test_a_tokenizer_that_pads_to_a_trillion_tokens_does_not_end_the_run(model_dir: Path) -> None:
    expected = resolve(ModelReference(id=str(model_dir))).tokenizer()("for x")["input_ids"]
    checkpoint = with_tokenizer(model_dir, padding=PADDING)
    assert ids(Sandbox(SMALL), checkpoint, "for x") == expected


def test_a_panic_is_refused_in_the_same_words(model_dir: Path) -> None:
    slow = {"type": "Split", "pattern": {"Regex": "((a+)+)+b"}, "behavior": "Isolated", "invert": False}
    checkpoint = with_tokenizer(model_dir, pre_tokenizer=slow)
    assert "the model's tokenizer failed on the text" in refusal(Sandbox(), checkpoint, "a" * 40)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (SandboxLimits(cpu_seconds=1), "more than 1 s of processor time"),
        (SandboxLimits(wall_seconds=0.5), "reading it takes more than 0.5 s"),
    ],
)
def test_a_text_that_takes_too_long_is_refused(
    limits: SandboxLimits, reason: str, tiny_llama_dir: Path
) -> None:
    checkpoint = resolve(ModelReference(id=str(tiny_llama_dir)))
    assert reason in refusal(Sandbox(limits), checkpoint, "for x in range " * 2_000_000)


def test_a_text_that_takes_too_much_memory_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "a.txt").open("wb") as file:
        file.truncate(2**30)
    frozen = freeze(tmp_path / "a.txt", None, field="calibration.dataset")
    with pytest.raises(InvalidInput, match=r"a\.txt cannot be used.*MemoryError") as refused:
        list(Sandbox(SMALL).documents(frozen, "a.txt", "calibration.dataset"))
    assert refused.value.field == "calibration.dataset"


def test_files_that_leave_too_few_descriptors_are_refused_or_read(model_dir: Path) -> None:
    for number in range(60):
        (model_dir / f"LICENSE{number:02}").write_text("mine")
    names = [path.name for path in model_dir.iterdir()]
    small = ModelFiles.freeze(model_dir, set(names) - {"model.safetensors"}, None)
    assert Sandbox().describe(small, names)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened = len(list(Path("/proc/self/fd").iterdir())) - 1
    outcomes: set[object] = set()
    for more in range(-2, 6):
        resource.setrlimit(resource.RLIMIT_NOFILE, (opened + len(small.files) + more, limits[1]))
        try:
            outcomes.add(type(Sandbox().describe(small, names)))
        except InvalidInput as refused:
            outcomes.add(refused.field)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert outcomes == {Description, "model.id"}


def test_a_helper_that_is_killed_is_refused_and_the_next_one_works(tiny_llama_dir: Path) -> None:
    checkpoint = resolve(ModelReference(id=str(tiny_llama_dir)))

    def killed() -> None:
        with Sandbox().tokenizer(checkpoint.files) as tokenizer:
            helper_of(fork_server_module.fork_server()).kill()
            tokenizer("a", verbose=False)

    with pytest.raises(InvalidInput, match="SIGKILL") as refused:
        killed()
    assert refused.value.field == "model.id"
    assert ids(Sandbox(), checkpoint, "a")
    assert psutil.Process(fork_server_module.fork_server().process).children() == []
