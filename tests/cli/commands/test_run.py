"""`pruneserve run`: one command from the submission to an exit code, and what it leaves for a pipeline."""

import json
import os
import pty
import signal
import subprocess
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from markdown_it import MarkdownIt
from typer.testing import CliRunner, Result

from cli.main import app
from cli.options import ci
from cli.terminal import Exit
from tests.cli.conftest import PRUNESERVE
from tests.scripted_server import (
    Exchange,
    ScriptedServer,
    error_document,
    job_document,
    problem_document,
    state_event,
)

JOB = ("run", "--model", "org/name", "--sparsity", "0.5")
HOSTILE = (
    "::error::no\n::set-output name=a::b ##[warning]x | a **b** `c` <img src=x> [d](http://e.org) "
    "www.e.org\x1b[2J\ufffe"
)


@pytest.fixture(autouse=True)
def outside_of_ci(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.fixture
def place(server: ScriptedServer) -> dict[str, str]:
    return {"PRUNESERVE_URL": server.url, "PRUNESERVE_API_KEY": "ps_key"}


def verdict(measured: float | None, limit: float = 0.05) -> dict[str, Any]:
    margin = None if measured is None else limit - measured
    passed = margin is not None and margin >= 0
    condition = {"name": "max_perplexity_increase", "limit": limit, "measured": measured, "margin": margin}
    return {"state": "passed" if passed else "failed", "conditions": [condition | {"passed": passed}]}


def serve(server: ScriptedServer, job_id: UUID, state: str, **more: object) -> None:
    """A server that takes the job, tells two events of it, and then that it has ended."""
    server.on("/v1/jobs", lambda it: it.json(job_document(job_id, "queued"), 201))
    server.on_job(job_id, state, state_event(1, "queued"), state_event(2, state), **more)


def run(place: dict[str, str], *arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(app, [*JOB, *arguments], env=place | environment)


def parsed(junit: Path) -> ET.Element:
    return ET.parse(junit).getroot()  # noqa: S314 - it was written a moment ago


@pytest.mark.parametrize(
    ("state", "more", "code"),
    [
        ("succeeded", {}, Exit.OK),
        ("succeeded", {"gate": verdict(0.04)}, Exit.OK),
        ("succeeded", {"gate": verdict(0.06)}, Exit.GATE_MISSED),
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


def test_a_rejected_request_is_bad_usage(
    server: ScriptedServer, place: dict[str, str], tmp_path: Path
) -> None:
    problem = problem_document("Not so.", 422, sparsity="must be less than 1")
    server.on("/v1/jobs", lambda it: it.json(problem, 422))
    result = run(place, "--junit", str(tmp_path / "junit.xml"))
    assert result.exit_code == Exit.USAGE
    assert "sparsity: must be less than 1" in result.stderr
    assert "Not so." in parsed(tmp_path / "junit.xml").findall("testcase/error")[0].attrib["message"]


@pytest.mark.parametrize("option", [("--max-increase", "much"), ("--label", "x"), ("--min-score", "piqa")])
def test_an_option_that_cannot_be_read_sends_nothing(
    server: ScriptedServer, place: dict[str, str], option: tuple[str, str]
) -> None:
    assert run(place, *option).exit_code == Exit.USAGE
    assert server.requests == []


def test_a_server_that_stays_unavailable_has_its_own_exit_code(place: dict[str, str]) -> None:
    assert run(place | {"PRUNESERVE_URL": "http://127.0.0.1:1"}, "--patience", "0").exit_code == 6


def test_after_the_timeout_the_job_goes_on(
    server: ScriptedServer, place: dict[str, str], job_id: UUID, tmp_path: Path
) -> None:
    serve(server, job_id, "running")
    result = run(place, "--timeout", "1", "--summary", str(tmp_path / "summary.md"))
    assert result.exit_code == Exit.TIMEOUT
    assert "the job goes on" in result.stderr
    assert str(job_id) in (tmp_path / "summary.md").read_text()


def test_gate_labels_and_tasks_are_part_of_the_request(
    server: ScriptedServer, place: dict[str, str], job_id: UUID
) -> None:
    sent: list[Any] = []
    serve(server, job_id, "succeeded")

    def take(it: Exchange) -> None:
        sent.append(it.received())
        it.json(job_document(job_id, "queued"), 201)

    server.on("/v1/jobs", take)
    gate = ("--max-increase", "5%", "--max-perplexity", "20", "--task", "piqa", "--min-score", "piqa=60%")
    run(place, *gate, "--label", "team=a=b", "--label", "run.id=7")
    assert sent == [
        {
            "model": {"id": "org/name"},
            "method": {"name": "gblm"},
            "sparsity": 0.5,
            "evaluation": {"tasks": ["piqa"]},
            "gate": {
                "max_perplexity": 20.0,
                "max_perplexity_increase": 0.05,
                "min_zero_shot": {"piqa": 0.6},
            },
            "labels": {"team": "a=b", "run.id": "7"},
        }
    ]


def test_a_submission_outlives_a_restart_of_the_server(
    server: ScriptedServer, place: dict[str, str], job_id: UUID
) -> None:
    serve(server, job_id, "succeeded")
    taken = server.answers["/v1/jobs"]

    def away(it: Exchange) -> None:
        server.on("/v1/jobs", taken)
        it.body(b"", 503)

    server.on("/v1/jobs", away)
    assert run(place).exit_code == Exit.OK
    keys = [headers["Idempotency-Key"] for path, headers in server.requests if path == "/v1/jobs"]
    assert len(keys) == 2
    assert len(set(keys)) == 1


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


REPORT = {
    "stages": [{"name": "prune", "seconds": 90.0, "peak_memory_bytes": 2_000_000_000}],
    "sparsity": {"overall": 0.5},
    "structure": {"parameters": 1500, "dense_parameters": 2000, "left": HOSTILE},
    "perplexity": {"kl": 0.25, "agreement": 0.625},
    "warnings": [HOSTILE],
}


@pytest.mark.threat
def test_the_summary_shows_the_gate_as_a_table_and_escapes_untrusted_text(
    server: ScriptedServer, place: dict[str, str], job_id: UUID, tmp_path: Path
) -> None:
    gate = verdict(0.0612)
    gate["conditions"][0]["name"] = HOSTILE
    perplexity = {"dense": 10.0, "pruned": 10.612}
    more = {"gate": gate, "report": REPORT, "perplexity": perplexity, "model": HOSTILE, "method": HOSTILE}
    serve(server, job_id, "succeeded", **more)
    step = tmp_path / "step.md"
    step.write_text("# Others wrote this\n\n")
    result = run(place, "--summary", str(tmp_path / "own.md"), GITHUB_STEP_SUMMARY=str(step))
    assert result.exit_code == Exit.GATE_MISSED
    own = (tmp_path / "own.md").read_text()
    assert step.read_text() == "# Others wrote this\n\n" + own

    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(own)
    inline = [child for token in tokens for child in token.children or ()]
    assert {child.type for child in inline} <= {
        "text",
        "text_special",
        "link_open",
        "link_close",
        "strong_open",
        "strong_close",
    }
    links = [child.attrs["href"] for child in inline if child.type == "link_open"]
    assert links == [f"{server.url}/jobs/{job_id}"]
    assert [child.content for child in inline if child.type == "text"].count("missed") == 1
    assert "| parameters | 1,500 of 2,000, 25.0% fewer\\: \\:" in own
    assert sum(token.type == "table_open" for token in tokens) == 3
    assert "10.00 → 10.61 (+6.1%)" in own
    assert "| against dense | KL 0.2500 nats per token; the same most probable token in 62.5% |" in own
    assert "http://" not in own.replace(server.url, "")
    assert "www." not in own

    lines = [line.strip() for line in (result.stdout + result.stderr).splitlines()]
    assert not [line for line in lines if line.startswith("::") or "##[" in line or "\x1b" in line]


def test_junit_has_a_test_for_the_job_and_for_each_condition(
    server: ScriptedServer, place: dict[str, str], job_id: UUID, tmp_path: Path
) -> None:
    perplexity = {"dense": 10.0, "pruned": 10.6}
    more = {"gate": verdict(0.06), "report": REPORT, "model": HOSTILE, "perplexity": perplexity}
    serve(server, job_id, "succeeded", **more)
    run(place, "--junit", str(tmp_path / "junit.xml"))
    suite = parsed(tmp_path / "junit.xml")
    assert suite.attrib == {
        "name": "pruneserve",
        "tests": "2",
        "failures": "1",
        "errors": "0",
        "skipped": "0",
        "time": "90.000",
        "timestamp": "2026-01-02T03:04:05",
    }
    properties, job, condition = suite
    assert {one.attrib["name"]: one.attrib["value"] for one in properties} == {
        "job": str(job_id),
        "url": f"{server.url}/jobs/{job_id}",
        "state": "succeeded",
        "dense-perplexity": "10",
        "perplexity": "10.6",
        "increase": "0.06",
        "gate": "failed",
    }
    assert (job.attrib["time"], list(job)) == ("90.000", [])
    assert "::" not in job.attrib["name"]
    assert condition.attrib["name"] == "max_perplexity_increase"
    assert condition[0].attrib["message"] == "measured 6.00%, the limit is 5.00%"


@pytest.mark.parametrize(
    ("state", "element"), [("failed", "failure"), ("cancelled", "skipped"), ("succeeded", None)]
)
def test_junit_says_how_the_job_ended(
    server: ScriptedServer,
    place: dict[str, str],
    job_id: UUID,
    tmp_path: Path,
    state: str,
    element: str | None,
) -> None:
    serve(server, job_id, state, error=error_document(HOSTILE) if state == "failed" else None)
    run(place, "--junit", str(tmp_path / "junit.xml"))
    (case,) = parsed(tmp_path / "junit.xml").findall("testcase")
    assert [child.tag for child in case] == ([element] if element else [])


def test_the_figures_are_outputs_of_a_step_and_variables_of_a_pipeline(
    server: ScriptedServer, place: dict[str, str], job_id: UUID, tmp_path: Path
) -> None:
    perplexity = {"dense": 10.0, "pruned": 10.4}
    more = {"gate": verdict(0.04), "perplexity": perplexity, "measured_sparsity": 0.5}
    serve(server, job_id, "succeeded", **more)
    outputs, dotenv = tmp_path / "outputs", tmp_path / "job.env"
    outputs.write_text("others=1\n")
    run(place, "--dotenv", str(dotenv), GITHUB_OUTPUT=str(outputs))
    named = {
        "job": str(job_id),
        "url": f"{server.url}/jobs/{job_id}",
        "state": "succeeded",
        "dense-perplexity": "10",
        "perplexity": "10.4",
        "increase": "0.04",
        "sparsity": "0.5",
        "gate": "passed",
    }
    assert outputs.read_text() == "others=1\n" + "".join(f"{name}={value}\n" for name, value in named.items())
    variables = dict(line.split("=", 1) for line in dotenv.read_text().splitlines())
    assert variables == {f"PRUNED_{name.upper().replace('-', '_')}": value for name, value in named.items()}


def test_no_text_of_the_server_begins_an_output_of_its_own(
    server: ScriptedServer, place: dict[str, str], job_id: UUID, tmp_path: Path
) -> None:
    serve(server, job_id, "succeeded", gate=verdict(0.04) | {"state": "passed\nevil=1"})
    run(place, GITHUB_OUTPUT=str(tmp_path / "outputs"))
    assert "gate=passed\n" in (tmp_path / "outputs").read_text()
    assert "evil" not in (tmp_path / "outputs").read_text()


@pytest.mark.parametrize(
    ("state", "more", "line"),
    [
        ("succeeded", {"gate": verdict(0.04)}, None),
        (
            "succeeded",
            {"gate": verdict(0.06)},
            "::error title=PruneServe%3A gate missed::max_perplexity_increase missed: 6.00%25, "
            "limit 5.00%25, margin -1.00%25",
        ),
        (
            "failed",
            {"error": error_document("100% a\n::warning::b")},
            "::error title=PruneServe%3A failed::100%25 a",
        ),
    ],
)
def test_why_a_step_of_github_fails_is_an_annotation(
    server: ScriptedServer,
    place: dict[str, str],
    job_id: UUID,
    state: str,
    more: dict[str, Any],
    line: str | None,
) -> None:
    serve(server, job_id, state, **more)
    assert "::error" not in run(place).stderr
    lines = [one for one in run(place, **GITHUB).stderr.splitlines() if one.lstrip().startswith("::")]
    assert len(lines) == (1 if line else 0)
    assert not line or lines[0].startswith(line)
    assert not line or lines[0].count("::") == 2


GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_REPOSITORY": "org/models",
    "GITHUB_SHA": "5f3e9a1",
    "GITHUB_RUN_ID": "17",
    "GITHUB_RUN_ATTEMPT": "1",
}
GITLAB = {"GITLAB_CI": "true", "CI_PROJECT_PATH": "org/models", "CI_COMMIT_SHA": "5f3e9a1", "CI_JOB_ID": "99"}


@pytest.mark.parametrize(("system", "attempt"), [(GITHUB, "GITHUB_RUN_ATTEMPT"), (GITLAB, "CI_JOB_ID")])
def test_a_repeated_ci_step_submits_once_and_a_new_attempt_submits_again(
    server: ScriptedServer, place: dict[str, str], job_id: UUID, system: dict[str, str], attempt: str
) -> None:
    serve(server, job_id, "succeeded")
    for environment in (system, system, system | {attempt: "1000"}):
        run(place, **environment)
    run(place, "--seed", "1", **system)
    keys = [headers["Idempotency-Key"] for path, headers in server.requests if path == "/v1/jobs"]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_outside_of_ci_every_run_has_a_new_key() -> None:
    assert ci.idempotency_key({"GITHUB_SHA": "5f3e9a1"}, {}) is None


@contextmanager
def followed(
    server: ScriptedServer,
    place: dict[str, str],
    job_id: UUID,
    *arguments: str,
    **streams: Any,
) -> Iterator[subprocess.Popen[str]]:
    """`run` as a process of its own, at a job that goes on until the test is over."""
    over, waiting = threading.Event(), threading.Event()

    def events(it: Exchange) -> None:
        it.stream(state_event(1, "running"))
        waiting.set()
        over.wait(60)

    serve(server, job_id, "running")
    server.on(f"/v1/jobs/{job_id}/events", events)
    server.on(f"/v1/jobs/{job_id}/cancel", lambda it: it.json(job_document(job_id, "cancelling"), 202))
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} | streams
    process = subprocess.Popen([*PRUNESERVE, *JOB, *arguments], env=os.environ | place, text=True, **streams)
    try:
        assert waiting.wait(60)
        yield process
    finally:
        over.set()
        process.kill()
        process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("flag", "cancelled"), [("--cancel-on-interrupt", True), ("--keep-on-interrupt", False), (None, False)]
)
def test_without_a_terminal_a_flag_decides_whether_an_interruption_cancels(
    server: ScriptedServer,
    place: dict[str, str],
    job_id: UUID,
    number: signal.Signals,
    flag: str | None,
    cancelled: bool,
) -> None:
    with followed(server, place, job_id, *([flag] if flag else [])) as process:
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == (Exit.CANCELLED if cancelled else 128 + number), output
    assert (f"/v1/jobs/{job_id}/cancel" in [path for path, _ in server.requests]) == cancelled
    assert ("the job goes on" in output) == (not cancelled)


@pytest.mark.parametrize(("answer", "code"), [("y\n", Exit.CANCELLED), ("\n", 130), ("\x04", 130)])
def test_on_a_terminal_ctrl_c_asks(
    server: ScriptedServer, place: dict[str, str], job_id: UUID, answer: str, code: int
) -> None:
    ours, theirs = pty.openpty()
    terminal = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    with followed(server, place, job_id, **terminal) as process:
        os.close(theirs)
        process.send_signal(signal.SIGINT)
        shown = ""
        while "[y/N]" not in shown:
            shown += os.read(ours, 1000).decode(errors="replace")
        os.write(ours, answer.encode())
        assert process.wait(60) == code
    os.close(ours)
