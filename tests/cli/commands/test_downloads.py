"""Downloads of a job's files."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from typer.testing import Result

from cli.options import common
from cli.terminal import Exit
from tests.cli.commands.test_resources import FILE, ID, QUEUED, page
from tests.scripted_server import NOW, Exchange, ScriptedServer, artifact_document, problem_document


def test_a_job_is_found_by_its_last_digits(
    server: ScriptedServer, pruneserve: Callable[..., Result], tmp_path: Path
) -> None:
    server.on("/v1/jobs", lambda it: it.json(page(QUEUED)))
    server.on(f"/v1/jobs/{ID}", lambda it: it.json(QUEUED))
    assert ID in pruneserve("show", "0000ffff").stdout
    server.on("/v1/zoo/0000ffff", lambda it: it.json({"detail": "no such entry", "status": 404}, 404))
    server.on(f"/v1/jobs/{ID}/artifacts", lambda it: it.json({"items": [FILE]}))
    server.on("/content", lambda it: it.body(b"abc"))
    assert pruneserve("download", "0000ffff").exit_code == Exit.OK
    assert (tmp_path / "0000ffff" / "a.txt").read_bytes() == b"abc"


def test_a_path_is_no_job(server: ScriptedServer, pruneserve: Callable[..., Result]) -> None:
    assert pruneserve("download", "../x").exit_code == Exit.USAGE
    assert server.requests == []


def test_a_download_may_take_one_exported_file(
    server: ScriptedServer, pruneserve: Callable[..., Result], tmp_path: Path
) -> None:
    exported = FILE | {"name": "exports/m-Q8_0.gguf"}
    server.on(f"/v1/jobs/{ID}/artifacts", lambda it: it.json({"items": [FILE, exported]}))
    server.on("/content", lambda it: it.body(b"abc"))
    download = ("download", ID, "--output", str(tmp_path / "there"))
    assert pruneserve(*download, "--include", "*Q8_0.gguf").exit_code == Exit.OK
    assert [path for path in (tmp_path / "there").rglob("*") if path.is_file()] == [
        tmp_path / "there" / "exports" / "m-Q8_0.gguf"
    ]
    refused = pruneserve(*download, "--include", "*Q4_0*")
    assert refused.exit_code == Exit.USAGE
    assert "no file matches '*Q4_0*'; there are a.txt, exports/m-Q8_0.gguf" in refused.stderr


@pytest.mark.parametrize(
    ("state", "way_on"),
    [
        ("cancelled", f"`pruneserve retry {ID}` queues it again"),
        ("failed", f"`pruneserve retry {ID}` queues it again"),
        ("running", "it has files once it has succeeded"),
        ("succeeded", "its files have expired; submit it again"),
    ],
)
def test_a_download_of_a_job_without_files_says_why_and_how_to_go_on(
    server: ScriptedServer, pruneserve: Callable[..., Result], state: str, way_on: str
) -> None:
    expired = {"artifacts_expired_at": NOW} if state == "succeeded" else {}
    server.on_job(UUID(ID), state, **expired)
    server.on(f"/v1/jobs/{ID}/artifacts", lambda it: it.json({"items": []}))
    done = pruneserve("download", ID)
    assert done.exit_code == Exit.FAILED
    assert f"error: the job is {state}: {way_on}" in done.stderr


@pytest.mark.parametrize("command", [("download", "nosuch"), ("zoo", "show", "nosuch")])
def test_an_entry_that_the_zoo_does_not_have_is_named_with_the_next_step(
    server: ScriptedServer, pruneserve: Callable[..., Result], command: tuple[str, ...]
) -> None:
    server.on("/v1/zoo/nosuch", lambda it: it.json(problem_document("There is none.", 404), 404))
    done = pruneserve(*command)
    assert done.exit_code == Exit.USAGE
    assert "error: the zoo has no entry 'nosuch': `pruneserve zoo list` shows all" in done.stderr


@pytest.mark.parametrize("status", [502, 404])
def test_a_download_outlives_a_restart_of_the_server(
    server: ScriptedServer, pruneserve: Callable[..., Result], tmp_path: Path, status: int
) -> None:
    content = b"content"
    listed = artifact_document("a.txt", content, hashlib.sha256(content).hexdigest(), "/content")

    def away_at_first(path: str, answer: Callable[[Exchange], None]) -> None:
        def away(it: Exchange) -> None:
            server.on(path, answer)
            it.body(b"<html>Not now</html>", status, "text/html")

        server.on(path, away)

    away_at_first(f"/v1/jobs/{ID}/artifacts", lambda it: it.json({"items": [listed]}))
    away_at_first("/content", lambda it: it.body(content))
    done = pruneserve("download", ID, "--output", str(tmp_path / "there"))
    assert done.exit_code == Exit.OK, done.stderr
    assert f"HTTP {status} without a problem document" in done.stderr
    assert "; retrying for up to 120 s\n" in done.stderr
    assert (tmp_path / "there" / "a.txt").read_bytes() == content


@pytest.mark.parametrize("away", [f"/v1/jobs/{ID}/artifacts", "/content"])
@pytest.mark.parametrize("status", [200, 404])
def test_a_download_that_only_a_proxy_answers_is_no_bad_usage(
    server: ScriptedServer,
    pruneserve: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    away: str,
    status: int,
) -> None:
    monkeypatch.setattr(common, "PATIENCE_SECONDS", 0.0)
    server.on(f"/v1/jobs/{ID}/artifacts", lambda it: it.json({"items": [FILE]}))
    server.on(away, lambda it: it.body(b"<html>Not now</html>", status, "text/html"))
    assert pruneserve("download", ID).exit_code == Exit.UNREACHABLE


def test_a_file_that_cannot_be_written_is_no_bad_usage(
    server: ScriptedServer, pruneserve: Callable[..., Result], tmp_path: Path
) -> None:
    listed = artifact_document("a.txt", b"content", hashlib.sha256(b"content").hexdigest(), "/content")
    server.on(f"/v1/jobs/{ID}/artifacts", lambda it: it.json({"items": [listed]}))
    (tmp_path / "there").touch()
    done = pruneserve("download", ID, "--output", str(tmp_path / "there"))
    assert done.exit_code == Exit.FAILED
    assert "error: cannot write to " in done.stderr
