"""Texts of this machine are uploaded, once each, and no other name is touched."""

import json
import os
from copy import deepcopy
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from cli.options.request import refuse_strange_texts, upload_texts
from cli.terminal import CommandFailed, Exit
from pruneserve_client import Client
from tests.scripted_server import NOW, Exchange, ScriptedServer, job_document


@pytest.fixture
def uploaded(server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What the server has received, and two texts in the working directory."""
    monkeypatch.chdir(tmp_path)
    Path("ours.txt").write_text("our own text")
    Path("c4").write_text("a file that is called as a dataset")
    Path("texts").mkdir()
    Path("texts", "a.jsonl").write_text('{"text": "a"}')
    received: list[bytes] = []

    def take(it: Exchange) -> None:
        received.append(it.handler.rfile.read(int(it.headers["Content-Length"])))
        number = f"00000000-0000-4000-8000-{len(received):012}"
        it.json(
            {"id": number, "name": "n", "format": "txt", "size": 1, "sha256": "0" * 64, "created_at": NOW}
            | {"dataset": f"upload:{number}"},
            201,
        )

    server.on("/v1/uploads", take)
    return received


def replaced(
    server: ScriptedServer, body: dict[str, Any], typed: dict[str, Any] | None = None
) -> dict[str, Any]:
    changed = deepcopy(body)
    with Client(server.url, "ps_key") as client:
        refuse_strange_texts(changed, deepcopy(body) if typed is None else typed)
        upload_texts(changed, client.upload)
    return changed


FIRST, SECOND = (f"upload:00000000-0000-4000-8000-{number:012}" for number in (1, 2))


def test_each_place_that_names_a_text_names_its_upload(server: ScriptedServer, uploaded: list[bytes]) -> None:
    body = {
        "model": "./ours.txt",
        "calibration": {"dataset": "ours.txt", "datasets": [{"dataset": "./texts/a.jsonl", "weight": 2.0}]},
        "evaluation": {"dataset": "ours.txt", "domains": {"web": "c4", "own": "texts/a.jsonl"}},
        "recovery": {"distil": {"dataset": "./ours.txt"}},
    }
    assert replaced(server, body) == {
        "model": "./ours.txt",
        "calibration": {"dataset": FIRST, "datasets": [{"dataset": SECOND, "weight": 2.0}]},
        "evaluation": {"dataset": FIRST, "domains": {"web": "c4", "own": SECOND}},
        "recovery": {"distil": {"dataset": FIRST}},
    }
    assert uploaded == [b"our own text", b'{"text": "a"}']


def test_names_that_the_server_knows_are_sent_unchanged(
    server: ScriptedServer, uploaded: list[bytes]
) -> None:
    for name in ("c4", "builtin", FIRST, "/data/ours.txt", 7, None):
        body = {"calibration": {"dataset": name}, "evaluation": {"domains": {"own": name}}}
        assert replaced(server, body) == body
    for body in (
        {},
        {"calibration": "c4"},
        {"recovery": {"distil": True}},
        {"calibration": {"datasets": "c4"}},
    ):
        assert replaced(server, body) == body
    assert uploaded == []


@pytest.mark.parametrize("name", ["./none", "none.txt", "texts/none.jsonl"])
def test_a_path_that_is_not_there_is_bad_usage(
    server: ScriptedServer, uploaded: list[bytes], name: str
) -> None:
    with pytest.raises(CommandFailed, match=f"cannot read {Path(name)}: ") as failed:
        replaced(server, {"calibration": {"dataset": name}})
    assert failed.value.code == Exit.USAGE


@pytest.fixture
def around(uploaded: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of a stranger's checkout below ours, with links, and files that are none of its texts."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "theirs.txt").write_text("their text")
    (checkout / "link.txt").symlink_to(tmp_path / "ours.txt")
    (checkout / "up").symlink_to(tmp_path)
    (checkout / ".env").write_text("TOKEN=x")
    monkeypatch.chdir(checkout)
    return checkout


@pytest.mark.threat
@pytest.mark.parametrize(
    "name",
    [
        "../ours.txt",
        "./../texts/a.jsonl",
        "link.txt",
        "./link.txt",
        "up/ours.txt",
        "./.env",
        "./up/none.txt",
    ],
)
def test_a_strangers_file_uploads_only_texts_of_the_working_directory(
    server: ScriptedServer, uploaded: list[bytes], around: Path, name: str
) -> None:
    body = {"model": "org/n", "evaluation": {"domains": {"web": "c4", "own": name}}}
    Path("job.json").write_text(json.dumps(body))
    result = pruneserve(server, "submit", "--recipe", "job.json", "--sparsity", "0.5")
    assert result.exit_code == Exit.USAGE
    assert f"the recipe names {Path(name)}:" in result.stderr
    assert uploaded == []
    # Typed, the same names are the user's own.
    if (around / name).is_file():
        assert replaced(server, {"calibration": {"dataset": name}}) == {"calibration": {"dataset": FIRST}}
        assert uploaded == [Path(name).read_bytes()]


def test_texts_of_the_working_directory_are_uploaded(
    server: ScriptedServer, uploaded: list[bytes], around: Path
) -> None:
    body = {"calibration": {"dataset": "./theirs.txt"}, "evaluation": {"dataset": "../ours.txt"}}
    typed = {"evaluation": {"dataset": "../ours.txt"}}
    assert replaced(server, body, typed) == {
        "calibration": {"dataset": FIRST},
        "evaluation": {"dataset": SECOND},
    }
    assert uploaded == [b"their text", b"our own text"]


def test_what_is_no_regular_file_is_not_waited_for(server: ScriptedServer, uploaded: list[bytes]) -> None:
    os.mkfifo("pipe.txt")
    with pytest.raises(CommandFailed, match=r"cannot read pipe\.txt: it is not a regular file"):
        replaced(server, {"calibration": {"dataset": "./pipe.txt"}})


@pytest.mark.threat
@pytest.mark.parametrize("name", ["ours.txt", "./texts/a.jsonl"])
def test_an_estimate_uploads_nothing(server: ScriptedServer, uploaded: list[bytes], name: str) -> None:
    Path("job.json").write_text(json.dumps({"model": "org/n", "calibration": {"dataset": name}}))
    for options in (["--recipe", "job.json"], ["--model", "org/n", "--calibration", name]):
        result = pruneserve(server, "estimate", *options)
        assert result.exit_code == Exit.USAGE
        assert (
            f"{name} is a file of this machine: upload it by `pruneserve tools uploads add`" in result.stderr
        )
    assert (uploaded, server.requests) == ([], [])


def pruneserve(server: ScriptedServer, *arguments: str) -> Result:
    place = {"PRUNESERVE_URL": server.url, "PRUNESERVE_API_KEY": "ps_key"}
    return CliRunner().invoke(app, arguments, env=place)


def test_submit_uploads_before_it_submits(
    server: ScriptedServer, uploaded: list[bytes], job_id: UUID
) -> None:
    bodies = server.collect("/v1/jobs", job_document(job_id, "queued"), 201)
    result = pruneserve(server, "submit", "--model", "org/name", "--calibration", "./ours.txt")
    assert (result.exit_code, result.stdout) == (Exit.OK, f"{job_id}\n")
    assert f"ours.txt is uploaded as {FIRST}" in result.stderr
    assert bodies[0]["calibration"] == {"dataset": FIRST}
    assert uploaded == [b"our own text"]
