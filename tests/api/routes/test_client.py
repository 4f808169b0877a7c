"""The client that the server offers: a wheel that pip installs and whose command runs without the service."""

import base64
import csv
import hashlib
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

# `cli.embedded` as well: in a checkout that pip has installed as editable, it would be found there.
ROOMS_OF_THE_SERVICE = (
    "api",
    "cli.embedded",
    "jobs",
    "migrations",
    "pruning",
    "worker",
    "sqlalchemy",
    "fastapi",
    "torch",
)


@pytest.fixture
def wheel(client: TestClient) -> bytes:
    return client.get("/v1/client/content").content


@pytest.fixture
def installed(client: TestClient, wheel: bytes, tmp_path: Path) -> Path:
    """Where pip has installed the wheel, without what it depends on."""
    path = tmp_path / client.get("/v1/client").json()["name"]
    path.write_bytes(wheel)
    target = tmp_path / "site"
    options = ["--no-deps", "--no-index", "--quiet", "--target", str(target)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(path)], check=True)
    return target


def test_the_wheel_is_what_its_description_says(client: TestClient, wheel: bytes) -> None:
    described = client.get("/v1/client").json()
    assert described["sha256"] == hashlib.sha256(wheel).hexdigest()
    assert described["size"] == len(wheel)
    answer = client.get(described["url"])
    assert answer.headers["ETag"] == f'"{described["sha256"]}"'
    assert client.get(described["url"], headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_it_needs_a_key(client: TestClient) -> None:
    for path in ("/v1/client", "/v1/client/content"):
        assert client.get(path, headers={"Authorization": ""}).status_code == 401


def test_its_record_names_every_file_with_its_digest(wheel: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        names = archive.namelist()
        (record,) = (name for name in names if name.endswith("/RECORD"))
        rows = {
            name: (digest, size) for name, digest, size in csv.reader(io.TextIOWrapper(archive.open(record)))
        }
        assert set(rows) == set(names)
        for name in names:
            content = archive.read(name)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
            assert rows[name] == (("", "") if name == record else (f"sha256={digest}", str(len(content))))
    assert not [name for name in names if name.startswith(("cli/embedded", "cli/demo"))]


def run(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as it would be without the service's packages."""
    source = f"""
import sys
for name in {ROOMS_OF_THE_SERVICE}:
    sys.modules[name] = None
sys.path.insert(0, {str(installed)!r})
sys.argv = ["pruneserve", *{list(arguments)!r}]
from pruneserve_entry import client
client()
"""
    return subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)


def test_its_command_runs_without_the_service(installed: Path) -> None:
    done = run(installed, "run", "--help")
    assert (done.returncode, "--max-increase" in done.stdout) == (0, True), done.stderr
    done = run(installed, "up")
    assert (done.returncode, "this is the client alone" in done.stderr) == (2, True), done.stderr
