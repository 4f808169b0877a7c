"""Triton's own cache, asked where it keeps a kernel while a job runs."""

import os
from pathlib import Path

import pytest
from triton.runtime.cache import get_cache_manager

from worker.run_job import kernel_cache_of

KEY = "ab" * 32


def store(content: bytes) -> Path:
    return Path(get_cache_manager(KEY).put(content, "kernel.cubin"))


def find() -> str | None:
    found: str | None = get_cache_manager(KEY).get_file("kernel.cubin")
    return found


@pytest.mark.threat
def test_an_owner_never_finds_what_another_has_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    with kernel_cache_of("ada"):
        of_ada = store(b"of ada")
        assert tmp_path in of_ada.parents
    with kernel_cache_of("../ada"):
        assert find() is None
        assert store(b"of another") != of_ada
    assert find() is None
    with kernel_cache_of("ada"):
        assert find() == str(of_ada)
        assert of_ada.read_bytes() == b"of ada"


def test_the_environment_is_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRITON_CACHE_DIR", raising=False)
    with pytest.raises(ValueError, match="failed"), kernel_cache_of("ada"):
        raise ValueError("failed")
    assert "TRITON_CACHE_DIR" not in os.environ
