"""`pruneserve up` refuses what it cannot use, before it starts anything, and creates its files once."""

import errno
import os
import pwd
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from cli.data_directory import DataDirectory
from cli.embedded.process import free_port
from cli.embedded.up import run, secret_key
from cli.terminal import CommandFailed, Exit
from tests.cli.conftest import PATIENCE_SECONDS, PRUNESERVE, start

pytestmark = pytest.mark.slow


def test_the_secret_key_is_created_once_and_readable_by_its_user_only(tmp_path: Path) -> None:
    file = tmp_path / "secret-key"
    key = secret_key(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert secret_key(file) == key
    Fernet(key)


def test_the_store_of_a_service_that_has_run_is_not_made_again(tmp_path: Path) -> None:
    """It may lie on a disk that is not mounted."""
    data = DataDirectory(tmp_path / "data")
    data.create()
    assert data.store.is_dir()
    data.postgres.mkdir()
    data.store.rmdir()
    data.create()
    assert not data.store.exists()


def test_a_root_that_is_no_directory_is_bad_usage(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for root in (tmp_path / "nope", tmp_path / "file"):
        command = [*PRUNESERVE, "up", "--data", str(tmp_path / "data"), "--root", str(root)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
        assert done.returncode == Exit.USAGE
        assert "--root" in done.stderr
        assert root.name in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_data_directory_that_cannot_be_created_is_named_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = start(tmp_path / "file" / "data", free_port())
    assert refused.returncode == Exit.FAILED
    assert f"Not a directory: '{tmp_path}/file/data'" in refused.stderr.replace("\n", "")
    assert "Traceback" not in refused.stderr
    for advice in ("warning: running as root", "useradd"):
        assert (advice in refused.stderr) == (os.geteuid() == 0)


def test_a_wrong_setting_is_named_before_anything_starts(tmp_path: Path) -> None:
    refused = start(tmp_path / "data", free_port(), PRUNESERVE_METRICS_ADDRESS="nonsense")
    assert refused.returncode == Exit.FAILED
    said = "PRUNESERVE_METRICS_ADDRESS: must be an address and a port: 127.0.0.1:9101"
    assert said in " ".join(refused.stderr.split())
    assert not (tmp_path / "data" / "postgres").exists()


def test_a_file_of_another_user_is_reported_with_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(data: DataDirectory) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(data.root))

    me = pwd.getpwuid(os.getuid()).pw_name
    monkeypatch.setattr("cli.embedded.up._locked", refuse)
    with pytest.raises(CommandFailed, match=f"'{tmp_path}'; it belongs to user {me}, and this is user {me}"):
        run(DataDirectory(tmp_path), port=1, roots=[])
