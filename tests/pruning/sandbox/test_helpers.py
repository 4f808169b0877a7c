"""What a helper holds and may do, and when it ends."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pruning.checkpoint.checkpoint import resolve
from pruning.errors import InvalidInput
from pruning.files.frozen_file import freeze
from pruning.recipe import ModelReference
from pruning.sandbox import fork_server as fork_server_module
from pruning.sandbox import sandbox as sandbox_module
from pruning.sandbox.fork_server import ForkServer, SandboxUnavailable
from pruning.sandbox.sandbox import Sandbox
from tests.eventually import eventually
from tests.pruning.sandbox.conftest import PASSWORD
from tests.pruning.sandbox.reads import helper_of, ids, lives

pytestmark = [pytest.mark.threat, pytest.mark.slow]


def test_it_has_no_secret_and_no_descriptor_but_those_of_its_task(
    own_fork_server: ForkServer, tiny_llama_dir: Path
) -> None:
    checkpoint = resolve(ModelReference(id=str(tiny_llama_dir)))
    with Path(__file__).open(), Sandbox().tokenizer(checkpoint.files):
        environment = Path(f"/proc/{own_fork_server.process}/environ").read_bytes()
        assert b"HF_HUB_OFFLINE=1" in environment, "a fork has it as well"
        assert PASSWORD.encode() not in environment
        try:
            helper = Path(f"/proc/{helper_of(own_fork_server).pid}")
            opened = {str(path.readlink()) for path in (helper / "fd").iterdir()}
            assert (helper / "environ").read_bytes() == environment
        except PermissionError:
            pytest.skip("only root may inspect a helper")
    files = {str(file.root / file.path) for file in checkpoint.files.files}
    others = {path for path in opened - files if not path.startswith("socket:")}
    assert others == {os.devnull}
    assert len(opened - files - others) == 1, "the connection"


def test_it_may_write_nothing_while_libraries_read(
    own_fork_server: ForkServer, tiny_llama_dir: Path, tmp_path: Path
) -> None:
    def writes_nothing() -> bool:
        limits = Path(f"/proc/{helper_of(own_fork_server).pid}/limits").read_text()
        return re.search(r"^Max file size +0 +0 +bytes", limits, re.MULTILINE) is not None

    checkpoint = resolve(ModelReference(id=str(tiny_llama_dir)))
    with Sandbox().tokenizer(checkpoint.files):
        assert writes_nothing()
    (tmp_path / "a.jsonl").write_text((json.dumps({"text": "x" * 1000}) + "\n") * 5000)
    file = freeze(tmp_path / "a.jsonl", None, field="calibration.dataset")
    documents = Sandbox().documents(file, "a.jsonl", "calibration.dataset")
    assert next(documents)
    assert writes_nothing()
    documents.close()


def test_it_ends_with_its_starter(own_fork_server: ForkServer, tiny_llama_dir: Path) -> None:
    checkpoint = resolve(ModelReference(id=str(tiny_llama_dir)))
    helpers: list[psutil.Process] = []

    def orphaned() -> None:
        with Sandbox().tokenizer(checkpoint.files) as tokenizer:
            helpers.append(helper_of(own_fork_server))
            psutil.Process(own_fork_server.process).kill()
            tokenizer("a", verbose=False)

    with pytest.raises(SandboxUnavailable):
        orphaned()
    eventually(lambda: not lives(helpers[0]))


def test_a_starter_that_has_died_is_replaced(tiny_llama_dir: Path) -> None:
    checkpoint = resolve(ModelReference(id=str(tiny_llama_dir)))
    before = fork_server_module.fork_server()
    psutil.Process(before.process).kill()
    os.waitid(os.P_PID, before.process, os.WEXITED | os.WNOWAIT)
    assert ids(Sandbox(), checkpoint, "a")
    assert fork_server_module.fork_server() is not before


@pytest.fixture
def without_landlock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Hide Landlock from a new process that starts helpers, and from those."""
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden/sitecustomize.py").write_text(
        "import pruning.sandbox.confine as confine\n"
        "def without(*arguments): raise OSError(38, 'Function not implemented')\n"
        "confine.restrict_reads = without\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "hidden"))
    started = ForkServer()
    monkeypatch.setattr(sandbox_module, "fork_server", lambda: started)
    yield
    started.stop()


@pytest.mark.usefixtures("without_landlock")
def test_all_layers_can_be_demanded(tiny_llama_dir: Path) -> None:
    checkpoint = resolve(ModelReference(id=str(tiny_llama_dir)))
    assert ids(Sandbox(), checkpoint, "a")
    with pytest.raises(SandboxUnavailable, match="does not give a helper: landlock"):
        ids(Sandbox(all_layers=True), checkpoint, "a")


@pytest.mark.usefixtures("without_landlock")
def test_without_landlock_no_word_of_it_is_shown(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "one"}\n{"words": 2}\n')
    file = freeze(tmp_path / "a.jsonl", None, field="evaluation.dataset")
    with pytest.raises(InvalidInput, match=r"a\.jsonl cannot be used.*kernel has no Landlock") as refused:
        list(Sandbox().documents(file, "a.jsonl", "evaluation.dataset"))
    assert "line 2" not in str(refused.value)
