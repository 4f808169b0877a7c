"""Secrets come from files, and what a variable holds does not reach child processes."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.secret_files import SECRETS, SecretUnreadable, read_secret, write_secret
from jobs.settings import Settings, variable_of


def test_every_setting_that_is_secret_can_come_from_a_file() -> None:
    secret = {
        variable_of(name)
        for name, field in Settings.model_fields.items()
        if "SecretStr" in str(field.annotation)
    }
    assert secret == {name for name in SECRETS if not name.startswith("AWS_")}


def test_settings_read_their_secrets_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"DATABASE_URL": "postgresql://u:p@db/x", "PRUNESERVE_HUB_TOKEN": "hf_one", "BROKER_URL": ""}
    monkeypatch.setenv("STORE_URL", "file:///store")
    for name, value in values.items():
        monkeypatch.delenv(name, raising=False)
        (tmp_path / name).write_text(f"{value}\n")
        monkeypatch.setenv(f"{name}_FILE", str(tmp_path / name))
    settings = Settings()
    assert settings.database_url.get_secret_value() == values["DATABASE_URL"]
    assert settings.hub_token is not None
    assert settings.hub_token.get_secret_value() == "hf_one"
    assert settings.broker_url is None


def test_a_written_secret_is_read_again_and_closed_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "secret"
    file.write_text("before")
    file.chmod(0o644)
    write_secret(file, "after")
    monkeypatch.setenv("BROKER_URL_FILE", str(file))
    assert read_secret("BROKER_URL") == "after"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_secret_that_its_file_holds_needs_no_room_on_the_disk(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    write_secret(file, "the same")
    file.chmod(0o644)
    before = file.stat()
    write_secret(file, "the same")
    after = file.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert stat.S_IMODE(after.st_mode) == 0o600


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_URL_FILE", str(tmp_path / "missing"))
    with pytest.raises(SecretUnreadable, match=r"BROKER_URL_FILE: .*/missing cannot be read: No such file"):
        read_secret("BROKER_URL")


def test_a_variable_set_together_with_its_file_is_refused_without_the_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKER_URL", "redis://:hush@b/0")
    monkeypatch.setenv("BROKER_URL_FILE", str(tmp_path / "file"))
    with pytest.raises(SecretUnreadable, match="are both set") as refused:
        read_secret("BROKER_URL")
    assert "hush" not in str(refused.value)


def test_a_byte_order_mark_is_no_part_of_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"\xef\xbb\xbfredis://b/0\r\n")
    monkeypatch.setenv("BROKER_URL_FILE", str(tmp_path / "file"))
    assert read_secret("BROKER_URL") == "redis://b/0"


def test_a_second_line_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("redis://b/0\nhush\n")
    monkeypatch.setenv("BROKER_URL_FILE", str(tmp_path / "file"))
    with pytest.raises(SecretUnreadable, match=r"BROKER_URL_FILE: .*/file must hold .* in one line$"):
        read_secret("BROKER_URL")


def test_a_file_that_every_user_can_read_is_named(tmp_path: Path) -> None:
    for name, mode in (("open", 0o644), ("closed", 0o640)):
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(mode)
    files = {
        "BROKER_URL_FILE": str(tmp_path / "open"),
        "DATABASE_URL_FILE": str(tmp_path / "closed"),
        "PRUNESERVE_HUB_TOKEN": "in a file without a name, for children",
    }
    hide = "from jobs.secret_files import hide_from_children as hide; hide()"
    done = subprocess.run(
        [sys.executable, "-c", f"{hide}; hide()"],  # as a program, and as its child
        env=os.environ | files,
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(done.stderr.splitlines()) == {
        f"BROKER_URL_FILE: every user of this machine can read {tmp_path / 'open'}; close it: chmod 600"
    }


PARENT = """
import subprocess, sys
from jobs.secret_files import hide_from_children
hide_from_children()
print(subprocess.run([sys.executable, "-c", sys.argv[1]], capture_output=True, text=True, check=True).stdout)
"""
CHILD = """
from pathlib import Path
from jobs.settings import settings
print(settings().database_url.get_secret_value())
print(Path("/proc/self/environ").read_text())
"""


@pytest.mark.threat
def test_a_child_has_the_secrets_of_variables_but_not_in_its_environment(tmp_path: Path) -> None:
    secrets = {"DATABASE_URL": "postgresql://u:hush@db/x", "PRUNESERVE_API_KEY": "hush", "HF_TOKEN": "hush"}
    done = subprocess.run(
        [sys.executable, "-c", PARENT, CHILD],
        env=os.environ | secrets | {"STORE_URL": f"file://{tmp_path}"},
        capture_output=True,
        text=True,
        check=True,
    )
    read, environment = done.stdout.split("\n", 1)
    assert read == secrets["DATABASE_URL"]
    assert "STORE_URL" in environment
    assert "hush" not in environment
