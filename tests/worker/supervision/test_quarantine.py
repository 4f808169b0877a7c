"""What a worker tests before it takes its first job, and what it says meanwhile."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import SecretStr
from sqlalchemy import select

import worker.self_test
import worker.supervision.quarantine
from jobs import limits
from jobs.database import Database, engine_from, sessions
from jobs.settings import Settings
from jobs.tables import Worker
from tests.eventually import eventually
from worker.identity import Identity
from worker.self_test import SelfTestFailed, may_compute_on_gpu
from worker.supervision.quarantine import Quarantine, try_write

Waits = Callable[..., threading.Thread]


@pytest.fixture
def waits(
    database: Database, settings: Settings, worker: Identity, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Waits]:
    """Starts a worker that waits until it is fit, with these settings."""
    monkeypatch.setattr(limits, "QUARANTINE_SECONDS", 0.02)
    started: list[tuple[Quarantine, threading.Thread]] = []

    def begin(**changed: object) -> threading.Thread:
        own = settings.model_copy(update=changed)
        quarantine = Quarantine(
            own,
            database,
            worker.name,
            "cpu",
            clean_scratch=lambda: None,
            replace_child=lambda: None,
            child_fault=lambda: None,
        )

        def wait() -> None:
            with suppress(SystemExit):
                quarantine.wait_until_fit()

        thread = threading.Thread(target=wait)
        thread.start()
        started.append((quarantine, thread))
        return thread

    yield begin
    for quarantine, thread in started:
        quarantine.stop()
        thread.join()


def fault(database: Database) -> str:
    with database.begin() as session:
        return session.scalars(select(Worker.fault)).one_or_none() or ""


@pytest.mark.threat
def test_a_declared_gpu_is_tested_before_the_worker_is_ready(
    waits: Waits, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = threading.Event()
    broken.set()

    def check(device: str) -> None:
        if broken.is_set():
            raise SelfTestFailed(f"{device} is broken")

    monkeypatch.setattr(worker.supervision.quarantine, "check_device_in_subprocess", check)
    waiting = waits(device="cuda")
    eventually(lambda: fault(database) == "cuda is broken")
    assert waiting.is_alive()
    broken.clear()
    eventually(lambda: not waiting.is_alive())
    assert fault(database) == ""


def test_only_a_gpu_makes_the_start_wait_for_torch(tmp_path: Path) -> None:
    (tmp_path / "nvidiactl").touch()
    declared = ("cpu", "cuda", "cuda:1", "auto")
    assert [may_compute_on_gpu(device, devices=tmp_path) for device in declared] == [False, True, True, False]
    (tmp_path / "nvidia0").touch()
    assert [may_compute_on_gpu(device, devices=tmp_path) for device in declared] == [False, True, True, True]


def test_a_full_disk_is_logged_once_while_its_free_bytes_change(
    waits: Waits, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    free = count(999, 10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=next(free)))
    monkeypatch.setattr(limits, "MIN_FREE_DISK_BYTES", 10**9)
    waits(device="cpu")
    eventually(lambda: "3 MB" in fault(database))
    assert caplog.text.count("takes no jobs") == 1
    assert "999 B free" in caplog.text


def test_why_the_database_could_not_be_written_is_logged(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = settings.model_copy(update={"database_url": SecretStr("postgresql://x:hush@127.0.0.1:1/z")})
    engine = engine_from(nowhere, pool_size=1)
    assert not try_write(sessions(engine), lambda session: session.execute(select(1)))
    engine.dispose()
    assert "could not write to the database (connection failed: " in caplog.text
    assert "port 1 failed: Connection refused)" in caplog.text
    assert "hush" not in caplog.text


@pytest.mark.threat
def test_a_quarantined_worker_records_its_sandbox_too(
    waits: Waits, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = {"landlock": "Function not implemented"}
    for module in (worker.self_test, worker.supervision.quarantine):
        monkeypatch.setattr(module, "missing_sandbox_layers", lambda: lacking)
    waits(device="cpu", sandbox="require")
    eventually(lambda: fault(database) == "its kernel does not give the whole sandbox (landlock)")
    with database.begin() as session:
        sandbox = session.scalars(select(Worker.sandbox)).one()
    assert sandbox is not None
    assert [layer for layer, holds in sandbox.items() if not holds] == ["landlock"]


def test_only_operators_read_the_path_of_an_unwritable_work_directory(
    waits: Waits, database: Database, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.work_dir.write_text("a file")
    waits(device="cpu")
    said = (
        "its work directory (PRUNESERVE_WORK_DIR) cannot be written (EEXIST, File exists); "
        "make it a directory"
    )
    eventually(lambda: fault(database) == said)
    assert f"{said}: {settings.work_dir}" in caplog.text
