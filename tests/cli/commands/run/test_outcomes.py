"""`pruneserve run`: one command from the submission to an exit code."""

import json
import os
import threading
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.options import common
from cli.render.outcome import Outcome
from cli.terminal import Exit
from pruneserve_client.models import JobDetail
from tests.cli.commands.run.scripted import HOSTILE, INCONCLUSIVE, parsed, run, serve, verdict
from tests.scripted_server import Exchange, ScriptedServer, error_document, job_document, problem_document

# A job with a gate; without more it has no verdict.
ASKED = job_document(uuid4(), "succeeded")["spec"] | {"gate": {"max_kl": 0.1}}


@pytest.mark.parametrize(
    ("state", "more", "code"),
    [
        ("succeeded", {}, Exit.OK),
        ("succeeded", {"gate": verdict(0.04)}, Exit.OK),
        ("succeeded", {"gate": verdict(0.06)}, Exit.GATE_MISSED),
        ("succeeded", {"gate": INCONCLUSIVE}, Exit.INCONCLUSIVE),
        ("succeeded", {"gate": verdict(0.04) | {"state": "of a newer server"}}, Exit.GATE_MISSED),
        ("succeeded", {"spec": ASKED}, Exit.GATE_MISSED),
        ("failed", {"error": error_document("no")}, Exit.FAILED),
        ("cancelled", {}, Exit.CANCELLED),
    ],
)
def test_the_exit_code_is_the_outcome_of_the_job(
    server: ScriptedServer, place: dict[str, str], job_id: UUID, state: str, more: dict[str, Any], code: Exit
) -> None:
    serve(server, job_id, state, **more)
    assert run(place, "--max-increase", "5%").exit_code == code
    waited = CliRunner().invoke(app, ["wait", str(job_id)], env=place)
    assert waited.exit_code == code


@pytest.mark.parametrize(
    ("gate", "code"), [(INCONCLUSIVE, Exit.OK), (verdict(0.06), Exit.GATE_MISSED), (verdict(0.04), Exit.OK)]
)
def test_an_inconclusive_gate_may_pass(
    server: ScriptedServer, place: dict[str, str], job_id: UUID, gate: dict[str, Any], code: Exit
) -> None:
    serve(server, job_id, "succeeded", gate=gate)
    assert run(place, "--inconclusive", "pass").exit_code == code
    waited = CliRunner().invoke(app, ["wait", str(job_id), "--inconclusive", "pass"], env=place)
    assert waited.exit_code == code
    line = "inconclusive, about 96 windows would decide: 6.00% ± 1%, limit 5.00%"
    assert (line in waited.stdout) == (gate is INCONCLUSIVE)


def test_a_rejected_request_is_bad_usage(
    server: ScriptedServer, place: dict[str, str], tmp_path: Path
) -> None:
    problem = problem_document("Not so.", 422, sparsity="must be less than 1")
    server.on("/v1/jobs", lambda it: it.json(problem, 422))
    result = run(place, "--junit", str(tmp_path / "junit.xml"))
    assert result.exit_code == Exit.USAGE
    assert "error: Not so.\n    --sparsity: must be less than 1\n" in result.stderr
    assert "Not so." in parsed(tmp_path / "junit.xml").findall("testcase/error")[0].attrib["message"]


def test_why_a_job_failed_names_the_option_that_was_typed(
    server: ScriptedServer, place: dict[str, str], job_id: UUID, tmp_path: Path
) -> None:
    serve(server, job_id, "failed", error=error_document("no text", "calibration.dataset"))
    files = ("--summary", str(tmp_path / "own.md"), "--junit", str(tmp_path / "junit.xml"))
    result = run(place, *files, GITHUB_ACTIONS="true")
    assert "--calibration: no text" in result.stdout
    assert "::error title=PruneServe%3A failed::--calibration: no text\n" in result.stderr
    assert parsed(tmp_path / "junit.xml").findtext("testcase/failure") == "--calibration: no text"
    assert "| error | --calibration\\: no text |" in (tmp_path / "own.md").read_text()
    waited = CliRunner().invoke(app, ["wait", str(job_id)], env=place)
    assert "calibration.dataset: no text" in waited.stdout


def test_a_server_that_stays_unavailable_has_its_own_exit_code(
    place: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(common, "PATIENCE_SECONDS", 0.0)
    result = run(place | {"PRUNESERVE_URL": "http://127.0.0.1:1"})
    assert result.exit_code == Exit.UNREACHABLE
    assert "error: http://127.0.0.1:1 does not answer" in result.stderr


def test_the_timeout_is_of_the_upload_as_well(
    server: ScriptedServer, place: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "ours.txt").write_text("our own text")
    given = ("--calibration", os.path.relpath(tmp_path / "ours.txt"), "--timeout", "1")
    server.on("/v1/uploads", lambda it: it.body(b"", 503))
    result = run(place, *given)
    assert result.exit_code == Exit.UNREACHABLE
    assert "HTTP 503 without a problem document" in result.stderr
    assert "; retrying for up to 1 s\n" in result.stderr
    over = threading.Event()
    server.on("/v1/uploads", lambda _: over.wait(60))
    try:
        result = run(place, *given, "--junit", str(tmp_path / "junit.xml"))
    finally:
        over.set()
    assert result.exit_code == Exit.TIMEOUT
    assert parsed(tmp_path / "junit.xml").find("testcase/error") is not None
    assert {path for path, _ in server.requests} == {"/v1/uploads?name=ours.txt"}


def test_a_timeout_does_not_hide_that_the_server_is_unavailable(place: dict[str, str]) -> None:
    result = run(place | {"PRUNESERVE_URL": "http://127.0.0.1:1"}, "--timeout", "1")
    assert result.exit_code == Exit.UNREACHABLE
    assert "error: http://127.0.0.1:1 does not answer" in result.stderr


@pytest.mark.parametrize("status", [503, 404], ids=["unavailable", "a page of a proxy"])
def test_a_stale_state_is_marked_as_last_seen(
    server: ScriptedServer,
    place: dict[str, str],
    job_id: UUID,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
) -> None:
    monkeypatch.setattr(common, "PATIENCE_SECONDS", 0.0)
    serve(server, job_id, "succeeded")
    server.on(f"/v1/jobs/{job_id}/events", lambda it: it.body(b"", status))
    result = run(place, "--summary", str(tmp_path / "summary.md"))
    assert result.exit_code == Exit.UNREACHABLE
    assert "queued when it was last seen" in result.stdout
    assert "| state | queued when it was last seen |" in (tmp_path / "summary.md").read_text()
    waited = CliRunner().invoke(app, ["wait", str(job_id)], env=place)
    assert waited.exit_code == (Exit.UNREACHABLE if status == 503 else Exit.USAGE), "nothing has answered yet"


@pytest.mark.parametrize(
    ("state", "says"),
    [("running", "the job goes on"), ("succeeded", "the job has ended meanwhile: succeeded")],
)
def test_what_has_become_of_a_job_that_is_followed_no_longer(job_id: UUID, state: str, says: str) -> None:
    job = JobDetail.model_validate(job_document(job_id, state))
    assert Outcome(Exit.TIMEOUT, job).title == f"timed out; {says}"
    assert Outcome(130, job).title == f"interrupted; {says}"
    assert "not known" in Outcome(130).title


def test_after_the_timeout_the_job_goes_on(
    server: ScriptedServer, place: dict[str, str], job_id: UUID, tmp_path: Path
) -> None:
    progress = {"stage": "prune", "step": 3, "steps": 8, "seconds_left": 60.0}
    serve(server, job_id, "running", progress=progress)
    result = run(place, "--timeout", "1", "--summary", str(tmp_path / "summary.md"))
    assert result.exit_code == Exit.TIMEOUT
    assert "the job goes on" in result.stderr
    summary = (tmp_path / "summary.md").read_text()
    assert str(job_id) in summary
    assert "| state | running (prune 3/8) |" in summary
    waited = CliRunner().invoke(app, ["wait", str(job_id), "--timeout", "1", "--json"], env=place)
    assert (waited.exit_code, "the job goes on" in waited.stderr) == (Exit.TIMEOUT, True)
    assert json.loads(waited.stdout)["progress"]["step"] == 3


def test_a_submission_outlives_a_restart_of_the_server(
    server: ScriptedServer, place: dict[str, str], job_id: UUID
) -> None:
    serve(server, job_id, "succeeded")
    taken = server.answers["/v1/jobs"]

    def away(it: Exchange) -> None:
        server.on("/v1/jobs", taken)
        it.body(b"", 503)

    server.on("/v1/jobs", away)
    result = run(place)
    assert result.exit_code == Exit.OK
    assert "HTTP 503 without a problem document" in result.stderr
    assert "; retrying for up to 120 s\n" in result.stderr
    keys = [headers["Idempotency-Key"] for path, headers in server.requests if path == "/v1/jobs"]
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_a_server_that_is_away_while_a_job_is_followed_is_named_once_for_each_time(
    server: ScriptedServer, place: dict[str, str], job_id: UUID
) -> None:
    """It is away twice, and each time does not answer two requests."""
    serve(server, job_id, "succeeded")
    ended, statuses = server.answers[f"/v1/jobs/{job_id}"], [503, 503, 200, 503, 503]

    def sometimes(it: Exchange) -> None:
        status = statuses.pop(0) if statuses else None
        if status == 503:
            it.body(b"", status)
        elif status == 200:
            it.json(job_document(job_id, "running"))
        else:
            ended(it)

    server.on(f"/v1/jobs/{job_id}", sometimes)
    result = run(place)
    assert (result.exit_code, statuses) == (Exit.OK, [])
    lines = [line for line in result.stderr.splitlines() if "retrying for up to" in line]
    assert len(lines) == 2
    assert all("HTTP 503" in line and line.endswith("; retrying for up to 120 s") for line in lines)


def test_json_output_is_exactly_the_response_of_the_server(
    server: ScriptedServer, place: dict[str, str], job_id: UUID
) -> None:
    more: dict[str, Any] = {
        "gate": verdict(0.06),
        "labels": {"a": HOSTILE},
        "something": {"newer": [1, None]},
    }
    serve(server, job_id, "succeeded", **more)
    result = run(place, "--json")
    assert json.loads(result.stdout) == job_document(job_id, "succeeded", **more)
    assert "##[" not in result.stdout
    assert result.stdout.isascii()
    server.on(
        "/v1/jobs", lambda it: it.json({"items": [job_document(job_id, "queued")], "next_cursor": None})
    )
    listed = CliRunner().invoke(app, ["jobs", "--json", "--gate", "failed", "--label", "a=b"], env=place)
    assert json.loads(listed.stdout) == [job_document(job_id, "queued")]
    assert server.requests[-1][0] == "/v1/jobs?gate=failed&label=a%3Db&limit=20"
