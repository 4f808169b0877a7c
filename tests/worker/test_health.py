"""A worker is healthy while its process gives signs of life, whatever the database and the broker do."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.eventually import eventually
from worker import health
from worker.identity import Identity


def beat_of(identity: Identity) -> Path:
    return health.beat_file(identity.shutdown_flag.parent, os.getpid())


@pytest.fixture
def identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Identity]:
    """A worker whose temporary directory is the only one of this host."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    identity = Identity.new()
    yield identity
    identity.remove_directory()


def test_it_is_healthy_while_it_beats(identity: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_SECONDS_BETWEEN_BEATS", 0.01)
    assert health.failure() == "no worker of this user runs on this host"
    with health.heartbeat_file(identity):
        beat = beat_of(identity)
        long_ago = time.time() - 1000
        for _ in range(2):
            eventually(lambda: beat.exists() and beat.stat().st_mtime != long_ago)
            assert health.failure() is None
            os.utime(beat, (long_ago, long_ago))
    assert health.failure() == "no worker of this user runs on this host"


def test_a_stopped_worker_is_unhealthy_whatever_others_are(identity: Identity) -> None:
    beat = beat_of(identity)
    beat.touch()
    os.utime(beat, (time.time() - 31, time.time() - 31))
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        of_another = health.beat_file(beat.parent, other.pid)
        of_another.touch()
        stopped = f"the worker {os.getpid()} sent no heartbeat for 31 s"
        assert health.failure() == health.failure(os.getpid()) == stopped
        assert health.failure(other.pid) is None
        os.utime(beat)
        assert health.failure() is None
        os.utime(of_another, (time.time() - 31, time.time() - 31))
        assert health.failure(os.getpid()) is None
        assert health.failure() == f"the worker {other.pid} sent no heartbeat for 31 s"
        other.kill()
        while psutil.Process(other.pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        assert health.failure() is None, "what a killed one has left does not count"
    assert health.failure(other.pid) == f"process {other.pid} is not a worker on this host"
    of_another.unlink()
    beat.rename(beat.with_name(f"{beat.name}0"))  # of an earlier process that had the same id
    assert health.failure() == "no worker of this user runs on this host"
    beat.with_name(f"{beat.name}0").unlink()


def test_a_sign_of_life_from_the_future_is_none(identity: Identity) -> None:
    """The clock was set back, and the worker has not beaten since."""
    beat = beat_of(identity)
    beat.touch()
    os.utime(beat, (time.time() + 1000, time.time() + 1000))
    assert (health.failure() or "").endswith("s from now: check the clock")
    os.utime(beat)
    assert health.failure() is None
    beat.unlink()
