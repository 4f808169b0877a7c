"""A worker is healthy while its process gives signs of life, whatever the database and the broker do."""

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from worker import health
from worker.identity import Identity


@pytest.fixture
def identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Identity]:
    """A worker whose temporary directory is the only one of this host."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    identity = Identity.new()
    yield identity
    identity.remove_shutdown_flag()


def test_it_is_healthy_while_it_beats(identity: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_SECONDS_BETWEEN_BEATS", 0.01)
    assert health.wrong() == "no worker runs on this host"
    with health.beating(identity):
        beat = identity.shutdown_flag.parent / "beat"
        long_ago = time.time() - 1000
        for _ in range(2):
            while not beat.exists() or beat.stat().st_mtime == long_ago:
                time.sleep(0.01)
            assert health.wrong() is None
            os.utime(beat, (long_ago, long_ago))
    assert health.wrong() == "no worker runs on this host"


def test_one_that_is_stopped_or_was_killed_is_not_healthy(identity: Identity) -> None:
    beat = identity.shutdown_flag.parent / "beat"
    beat.touch()
    os.utime(beat, (time.time() - 31, time.time() - 31))
    assert (health.wrong() or "").startswith("the worker of this host gave no sign of life for 31 s")
    other = Identity.new()
    alive = other.shutdown_flag.parent / "beat"
    alive.touch()
    assert health.wrong() is None, "what a killed one has left is in nobody's way"
    alive.unlink()
    other.remove_shutdown_flag()
    beat.unlink()
