"""A worker's self-test finds what is broken, and says so."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import torch
from pydantic import SecretStr

import migrations
from jobs.database import Database, engine_from, sessions
from jobs.settings import Settings
from jobs.storage.store import Store
from pruning.errors import InvalidInput
from pruning.runtime.device import is_device_broken, usable_device
from pruning.sandbox.fork_server import describe_sandbox_layers, missing_sandbox_layers
from tests.http_servers import ObjectHandler, serving
from tests.small_disk import dead_mount
from worker import self_test
from worker.self_test import (
    SelfTestFailed,
    check_device,
    check_device_in_subprocess,
    check_directories,
    check_roots,
    check_store,
    check_without_device,
)

UNWRITABLE = (
    "its work directory (PRUNESERVE_WORK_DIR) cannot be written (EEXIST, File exists); make it a directory"
)


def failure(settings: Settings, database: Database) -> str:
    with pytest.raises(SelfTestFailed) as failed:
        check_without_device(settings, database)
    return str(failed.value)


def test_a_fit_worker_passes_and_leaves_nothing_behind(settings: Settings, database: Database) -> None:
    check_without_device(settings, database)
    check_device(settings.device)
    assert list(settings.work_dir.iterdir()) == []
    assert list(Store(settings.store_url).list("")) == []


@pytest.mark.threat
def test_a_work_directory_that_cannot_be_written(settings: Settings, database: Database) -> None:
    settings.work_dir.write_text("a file")
    assert failure(settings, database) == UNWRITABLE


@pytest.mark.parametrize("variable", ["PRUNESERVE_WORK_DIR", "TMPDIR"])
def test_a_directory_to_write_to_whose_mount_does_not_answer(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setattr(self_test, "_ANSWER_SECONDS", 0.2)
    with dead_mount(tmp_path / "mount", hangs=True) as directory:
        if variable == "TMPDIR":
            monkeypatch.setattr(tempfile, "tempdir", str(directory))
        else:
            settings = settings.model_copy(update={"work_dir": directory / "work"})
        with pytest.raises(SelfTestFailed, match=rf"\({variable}\) cannot be written \(ETIMEDOUT, "):
            check_directories(settings)


@pytest.mark.parametrize("roots", ["model_roots", "data_roots", "task_roots"])
def test_a_root_whose_mount_is_dead(
    settings: Settings, database: Database, tmp_path: Path, roots: str
) -> None:
    with dead_mount(tmp_path / "mount") as directory:
        message = failure(settings.model_copy(update={roots: (tmp_path, directory)}), database)
    assert message == (
        f"a directory of PRUNESERVE_{roots.upper()} cannot be read (ENOTCONN, Transport endpoint is not "
        "connected); mount it again, restart containers that bind it, and check the process or server "
        "that it is mounted from"
    )


def test_a_root_whose_mount_does_not_answer(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(self_test, "_ANSWER_SECONDS", 0.2)
    with dead_mount(tmp_path / "mount", hangs=True) as directory:
        for _ in range(2):  # the second time for the first one's look, which has not come back
            with pytest.raises(SelfTestFailed, match=r"_MODEL_ROOTS cannot be read \(ETIMEDOUT, "):
                check_roots(settings.model_copy(update={"model_roots": (directory,)}))
    look = self_test._hanging[directory]
    look.join()  # its mount is gone
    check_roots(settings.model_copy(update={"model_roots": (directory,)}))


@pytest.mark.threat
def test_a_root_that_owners_have_emptied_or_replaced_is_no_fault(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    roots = (tmp_path / "empty", tmp_path / "file", tmp_path / "missing")
    check_without_device(settings.model_copy(update={"model_roots": roots, "data_roots": roots}), database)


def test_a_store_that_refuses(settings: Settings, database: Database, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    message = failure(settings.model_copy(update={"store_url": f"file://{tmp_path}/file"}), database)
    assert message.startswith("the store cannot be used")


@pytest.mark.threat
def test_what_a_store_answers_is_for_operators_and_without_secrets(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing(ObjectHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = b"<Error><Code>TooLate</Code><AWSAccessKeyId>the-key-id</AWSAccessKeyId></Error>\nmore"
            self.begin(len(body), 409)
            self.wfile.write(body)

    settings.work_dir.mkdir()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "the-key-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-secret-key")
    store = settings.model_copy(update={"store_url": "s3://bucket"})
    with serving(Refusing) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        with pytest.raises(SelfTestFailed) as failed:
            check_store(store)
    said = "the store cannot be used (the store did not answer as expected (TooLate); try again later)"
    assert str(failed.value) == said
    assert failed.value.in_full.startswith(f"{said}: Object at location self-test/")
    assert failed.value.detail.endswith("<AWSAccessKeyId>(secret)</AWSAccessKeyId></Error>")


def test_a_work_directory_that_is_gone_is_named_to_operators(settings: Settings) -> None:
    with pytest.raises(SelfTestFailed, match=r"cannot be used \(FileNotFoundError\)$") as failed:
        check_store(settings)
    assert str(settings.work_dir) in failed.value.detail


def test_a_database_that_does_not_answer(settings: Settings) -> None:
    nowhere = settings.model_copy(update={"database_url": SecretStr("postgresql://x:hush@127.0.0.1:1/z")})
    engine = engine_from(nowhere, pool_size=1)
    with pytest.raises(SelfTestFailed) as failed:
        check_without_device(settings, sessions(engine))
    engine.dispose()
    assert str(failed.value) == "the database cannot be used (OperationalError)"
    assert failed.value.detail.endswith('server at "127.0.0.1", port 1 failed: Connection refused')
    assert "hush" not in failed.value.in_full


def test_a_database_with_the_schema_of_another_version(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "schema_digest", lambda: "of a newer worker")
    assert failure(settings, database).startswith("the database has the schema of another version")


@pytest.mark.threat
def test_a_declared_device_is_never_replaced_by_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(SelfTestFailed, match="device 'cuda' does not exist"):
        check_device("cuda")


@pytest.mark.threat
def test_auto_does_not_compute_on_the_cpu_where_there_is_a_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    (tmp_path / "nvidiactl").touch()
    assert usable_device("auto", devices=tmp_path).type == "cpu"
    (tmp_path / "nvidia0").touch()
    with pytest.raises(InvalidInput, match="GPU that torch cannot use") as refused:
        usable_device("auto", devices=tmp_path)
    assert refused.value.field == "device"
    assert usable_device("cpu", devices=tmp_path).type == "cpu"


def test_the_device_is_tested_in_a_process_of_its_own() -> None:
    check_device_in_subprocess("cpu")
    with pytest.raises(SelfTestFailed, match="device 'toaster' is unknown"):
        check_device_in_subprocess("toaster")


def test_the_command_says_what_is_wrong(environment: Settings) -> None:
    environment.work_dir.write_text("a file")
    done = subprocess.run(
        [sys.executable, "-m", "worker.self_test"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, f"{UNWRITABLE}: {environment.work_dir}\n")


@pytest.mark.parametrize(
    ("message", "broken"),
    [
        ("CUDA error: an illegal memory access was encountered", True),
        ("No CUDA GPUs are available", True),
        ("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm`", True),
        ("CUDA error: out of memory", False),
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", False),
        ("shape '[2]' is invalid for input of size 3", False),
    ],
)
def test_faults_that_only_another_process_or_machine_can_repair(message: str, broken: bool) -> None:
    assert is_device_broken(RuntimeError(message)) is broken


@pytest.mark.threat
def test_a_kernel_that_lacks_a_layer_of_the_sandbox(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(self_test, "missing_sandbox_layers", lambda: {"landlock": "Function not implemented"})
    check_without_device(settings, database)
    strict = settings.model_copy(update={"sandbox": "require"})
    assert failure(strict, database) == "its kernel does not give the whole sandbox (landlock)"


@pytest.mark.threat
def test_the_layers_of_the_sandbox_are_recognised_by_what_fails_in_it() -> None:
    missing = missing_sandbox_layers()
    assert {"limits", "no new privileges", "system calls"}.isdisjoint(missing)
    assert describe_sandbox_layers({"landlock": "Function not implemented"}) == (
        "untrusted files are read in a sandbox: limits, no new privileges, network namespace, capabilities, "
        "system calls; without landlock (Function not implemented)"
    )
