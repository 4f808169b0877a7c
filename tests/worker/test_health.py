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
    assert health.wrong() == "no worker of this user runs on this host"
    with health.beating(identity):
        beat = identity.shutdown_flag.parent / "beat"
        long_ago = time.time() - 1000
        for _ in range(2):
            while not beat.exists() or beat.stat().st_mtime == long_ago:
                time.sleep(0.01)
            assert health.wrong() is None
            os.utime(beat, (long_ago, long_ago))
    assert health.wrong() == "no worker of this user runs on this host"


def test_one_that_is_stopped_or_was_killed_is_not_healthy(identity: Identity) -> None:
    beat = identity.shutdown_flag.parent / "beat"
    beat.touch(mode=0o600)
    os.utime(beat, (time.time() - 31, time.time() - 31))
    assert (health.wrong() or "").startswith("the worker of this host gave no sign of life for 31 s")
    other = Identity.new()
    alive = other.shutdown_flag.parent / "beat"
    alive.touch(mode=0o600)
    assert health.wrong() is None, "what a killed one has left is in nobody's way"
    alive.unlink()
    other.remove_shutdown_flag()
    beat.unlink()


@pytest.mark.threat
def test_what_another_user_may_have_made_is_no_sign_of_life(
    identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = identity.shutdown_flag.parent
    beat = directory / "beat"
    beat.touch(mode=0o600)
    assert health.wrong() is None
    for path, mode in ((beat, 0o606), (beat, 0o660), (directory, 0o770), (directory, 0o707)):
        before = path.stat().st_mode
        path.chmod(mode)
        assert health.wrong() == "no worker of this user runs on this host", path
        path.chmod(before)
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: directory.stat().st_uid + 1)
        assert health.wrong() == "no worker of this user runs on this host"
    elsewhere = directory.with_name("elsewhere")
    beat.rename(elsewhere)
    beat.symlink_to(elsewhere)
    assert health.wrong() == "no worker of this user runs on this host"
    beat.unlink()
    elsewhere.rename(beat)
    linked = directory.with_name("pruneserve-worker-linked")
    moved = directory.rename(directory.with_name("moved"))
    linked.symlink_to(moved)
    assert health.wrong() == "no worker of this user runs on this host"
    linked.unlink()
    moved.rename(directory)
    assert health.wrong() is None
    beat.unlink()


@pytest.mark.threat
def test_a_sign_of_life_from_the_future_is_none(identity: Identity) -> None:
    """It would stay fresh for as long as whoever set it likes."""
    beat = identity.shutdown_flag.parent / "beat"
    beat.touch(mode=0o600)
    os.utime(beat, (time.time() + 1000, time.time() + 1000))
    assert (health.wrong() or "").endswith("s from now: check the clock")
    os.utime(beat)
    assert health.wrong() is None
    beat.unlink()


def test_a_beat_can_be_touched_by_its_user_alone(identity: Identity) -> None:
    before = os.umask(0)
    try:
        with health.beating(identity):
            beat = identity.shutdown_flag.parent / "beat"
            deadline = time.monotonic() + 20
            while not beat.exists():
                assert time.monotonic() < deadline
                time.sleep(0.01)
            assert beat.stat().st_mode & 0o777 == 0o600
            assert health.wrong() is None
    finally:
        os.umask(before)
