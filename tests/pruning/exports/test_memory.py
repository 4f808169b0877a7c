"""What a helper of exports may hold: its files, and what the machine has free."""

import errno
from pathlib import Path

import pytest

from pruning.exports import engine as engines
from pruning.exports.answers import QuantisationAnswer
from pruning.exports.engine import Engine


def test_a_machine_without_memory_for_the_files_is_refused_with_the_numbers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(engines, "free_memory", lambda limit: 2**30)
    file = tmp_path / "model.gguf"
    with file.open("wb") as opened:
        opened.truncate(2**31)
    with pytest.raises(OSError, match=r"needs 3.22 GB of memory .* and 1.07 GB are free") as failed:
        Engine().run("quantize", {}, QuantisationAnswer, directory=tmp_path, files={"a": file})
    assert failed.value.errno == errno.ENOMEM


def test_memory_is_limited_by_the_files_and_by_what_is_free(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(bytes(1000))
    base = Engine().limits.memory_bytes
    monkeypatch.setattr(engines, "free_memory", lambda limit: limit or 2**40)
    for limit, expected in ((None, base + 2000), (2**31, 2**31 + 1000)):
        with file.open("rb") as opened:
            engine = Engine(job_memory_bytes=limit)
            assert engine._limits_for([opened.fileno()], 0).memory_bytes == expected
