"""What `pruneserve run` leaves for a pipeline: a summary, JUnit, outputs, annotations; a repeated step."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from markdown_it import MarkdownIt

from cli.options import request
from cli.render import ci
from cli.render.outcome import Outcome
from cli.terminal import Exit
from tests.cli.commands.run.scripted import HOSTILE, INCONCLUSIVE, parsed, run, serve, verdict
from tests.report_document import export, report_document
from tests.scripted_server import ScriptedServer, error_document, problem_document

BEHIND_SOCKS = {"PRUNESERVE_URL": "http://prune.example", "all_proxy": "socks://127.0.0.1:1"}
EXPORT, BASELINE = "gguf:Q4_K_M", str(uuid4())
REPORT = report_document(
    stages=[{"name": "prune", "seconds": 90.0, "peak_memory_bytes": 2_000_000_000}],
    structure={
        "units": [],
        "blocks": [],
        "block_share": 0.25,
        "dense_parameters": 2000,
        "parameters": 1500,
        "dense_bytes": 2,
        "bytes": 1,
    },
    warnings=[HOSTILE],
)
REPORT["structure"]["left"] = HOSTILE
REPORT["perplexity"] |= {"kl": 0.25, "agreement": 0.625}


@pytest.mark.threat
def test_no_link_in_the_working_directory_leads_a_result_out_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in the checkout of a pull request."""
    (tmp_path / "kept").write_text("as it was")
    (tmp_path / "checkout").mkdir()
    monkeypatch.chdir(tmp_path / "checkout")
    for name in ("result.md", "result.xml"):
        Path(name).symlink_to(tmp_path / "kept")
    Path("below").symlink_to(tmp_path)
    outcome = Outcome(Exit.FAILED, problem="none")
    ci.report(outcome, "", summary=Path("result.md"), junit=Path("result.xml"), dotenv=Path("below/kept"))
    assert (tmp_path / "kept").read_text() == "as it was"
    assert capsys.readouterr().err.count("is a link, or behind one") == 3
    ci.report(outcome, "", summary=Path("new/result.md"), junit=None, dotenv=None)
    assert Path("new/result.md").read_text().startswith("###")


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
    assert [child.content for child in inline if child.type == "text"].count("failed") == 1
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
    assert condition[0].attrib["message"] == condition[0].text == "measured 6.00%, the limit is 5.00%"


@pytest.mark.parametrize(
    ("option", "code", "element", "kind"),
    [
        ((), Exit.INCONCLUSIVE, "failure", "error"),
        (("--inconclusive", "pass"), Exit.OK, "system-out", "warning"),
    ],
)
def test_an_inconclusive_gate_names_its_export_and_the_windows_that_would_decide(
    server: ScriptedServer,
    place: dict[str, str],
    job_id: UUID,
    tmp_path: Path,
    option: tuple[str, ...],
    code: Exit,
    element: str,
    kind: str,
) -> None:
    serve(server, job_id, "succeeded", gate=INCONCLUSIVE | {"export": EXPORT})
    junit, summary = tmp_path / "junit.xml", tmp_path / "own.md"
    result = run(place, "--junit", str(junit), "--summary", str(summary), *option, **GITHUB)
    assert result.exit_code == code
    suite = parsed(junit)
    assert suite.attrib["failures"] == str(int(element == "failure"))
    (case,) = suite.findall(f"testcase[{element}]")
    name, reason = f"max_perplexity_increase of {EXPORT}", "inconclusive, about 96 windows would decide"
    assert case.attrib["name"] == name
    assert case.findtext(element) == f"{reason}: measured 6.00% ± 1%, the limit is 5.00%"
    title = "gate inconclusive" if code else "succeeded%2C gate inconclusive"
    assert f"{name} {reason}: 6.00%" in result.stdout
    assert f"::{kind} title=PruneServe%3A {title}::{name} {reason}: 6.00%25" in result.stderr
    page = summary.read_text().replace("\\", "")
    assert f"| {name} | 5.00% | 6.00% ± 1% | -1.00% | **{reason}** |" in page


@pytest.mark.parametrize(
    ("state", "element"), [("failed", "failure"), ("cancelled", "skipped"), ("succeeded", None)]
)
def test_junit_reports_how_the_job_ended(
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
    assert all(child.text and child.text == child.attrib["message"] for child in case)


@pytest.mark.parametrize(
    ("more", "code", "title"),
    [
        ({"gate": verdict(0.04) | {"baseline": BASELINE}}, Exit.OK, "✅ PruneServe: succeeded"),
        ({}, Exit.OK, "✅ PruneServe: succeeded, without a gate"),
        ({"gate": verdict(0.04) | {"state": "new"}}, Exit.GATE_MISSED, "❌ PruneServe: gate failed"),
    ],
)
def test_a_result_says_what_was_asked_of_the_model_and_passes_with_that_verdict_alone(
    server: ScriptedServer,
    place: dict[str, str],
    job_id: UUID,
    tmp_path: Path,
    more: dict[str, Any],
    code: Exit,
    title: str,
) -> None:
    serve(server, job_id, "succeeded", **more)
    summary, junit = tmp_path / "own.md", tmp_path / "junit.xml"
    assert run(place, "--summary", str(summary), "--junit", str(junit)).exit_code == code
    heading, *lines = summary.read_text().splitlines()
    assert heading == f"### {title}"
    link = f"| baseline | [{BASELINE}](<{server.url}/jobs/{BASELINE}>) |"
    assert (link in lines) is ("baseline" in more.get("gate", {}))
    failures = [failure.text for failure in parsed(junit).findall("testcase/failure")]
    assert failures == (["gate failed"] if code else [])


FILES = ("--summary", "--junit", "--dotenv", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")


@pytest.mark.parametrize(
    ("full", "gate", "code"),
    [*((file, verdict(0.04), Exit.FAILED) for file in FILES), (FILES[0], verdict(0.06), Exit.GATE_MISSED)],
)
def test_a_file_that_cannot_be_written_costs_no_other_and_lets_nothing_pass(
    server: ScriptedServer,
    place: dict[str, str],
    job_id: UUID,
    tmp_path: Path,
    full: str,
    gate: dict[str, Any],
    code: Exit,
) -> None:
    serve(server, job_id, "succeeded", gate=gate)
    names = {"--junit": "results/junit.xml", "--dotenv": "results/of/job.env", "--summary": "summary.md"}
    files = {name: tmp_path / file for name, file in names.items()}
    files |= {name: tmp_path / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    files[full] = Path("/dev/full")
    options = [text for name in names for text in (name, str(files[name]))]
    result = run(place, *options, **{name: str(file) for name, file in files.items() if name not in names})
    assert result.exit_code == code
    (line,) = (line for line in result.stderr.splitlines() if "the result could not be written:" in line)
    assert "No space left on device" in line
    written = {name: file.read_text() for name, file in files.items() if name != full}
    assert all(str(job_id) in text for text in written.values())
    assert "--junit" not in written or parsed(files["--junit"]).attrib["tests"] == "2"


def test_the_figures_are_those_of_the_export_that_the_gate_is_on(
    server: ScriptedServer, place: dict[str, str], job_id: UUID, tmp_path: Path
) -> None:
    lossy = export("gguf:Q4_0", 400, 0.125, perplexity=12.0, dense_perplexity=10.0)
    more = {
        "report": report_document(exports=[export("gguf:Q8_0", 800, 0.0), lossy]),
        "perplexity": {"dense": 8.0, "pruned": 8.0},
    }
    figures = ("dense-perplexity", "perplexity", "increase")
    for of, expected in (
        (None, ["8", "8", "0"]),
        ("gguf:Q4_0", ["10", "12", "0.2"]),
        ("gguf:Q2_K", [None, None, None]),  # of which the report has nothing
    ):
        serve(server, job_id, "succeeded", gate=verdict(0.2) | {"export": of}, **more)
        outputs = tmp_path / f"outputs of {of}"
        run(place, GITHUB_OUTPUT=str(outputs))
        written = dict(line.split("=", 1) for line in outputs.read_text().splitlines())
        assert [written.get(name) for name in figures] == expected


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
            {},
            "::warning title=PruneServe%3A succeeded%2C without a gate::succeeded, without a gate",
        ),
        (
            "succeeded",
            {"gate": verdict(0.06)},
            "::error title=PruneServe%3A gate failed::max_perplexity_increase failed: 6.00%25, "
            "limit 5.00%25, margin -1.00%25",
        ),
        (
            "succeeded",
            {"gate": verdict(0.06) | {"export": EXPORT}},
            f"::error title=PruneServe%3A gate failed::max_perplexity_increase of {EXPORT} failed: 6.00%25, ",
        ),
        (
            "failed",
            {"error": error_document("100% a\n::warning::b")},
            "::error title=PruneServe%3A failed::100%25 a",
        ),
    ],
)
def test_why_a_step_of_github_fails_or_checks_nothing_is_an_annotation(
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


@pytest.mark.threat
@pytest.mark.parametrize("option", ["--max-kl", "--sparsity", "--label"])
def test_an_option_that_cannot_be_read_is_no_command_of_a_log(place: dict[str, str], option: str) -> None:
    result = run(place, option, "##[error]a::b")
    assert result.exit_code == Exit.USAGE
    assert "error]a" in result.stderr
    assert "##[" not in result.stderr
    assert "::" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "reason"),
    [
        (["--recipe", "none.json"], {}, Exit.USAGE, "cannot read a recipe from none.json"),
        (["--recipe", "other.json"], {}, Exit.USAGE, "--sparsity contradicts the recipe"),
        (["--calibration", "./ours.txt"], {}, Exit.USAGE, "the server does not know this key"),
        (["--timeout", "0"], {}, Exit.USAGE, "Invalid value for '--timeout'"),
        (["--max-kl", "a %\r::error::b"], {}, Exit.USAGE, "write a finite number, not 'a %25\\r:"),
        ([], {"PRUNESERVE_API_KEY": ""}, Exit.USAGE, "no API key"),
        ([], BEHIND_SOCKS, Exit.USAGE, "cannot be used: Unknown scheme for proxy URL"),
    ],
)
def test_a_failure_before_the_submission_is_reported(
    server: ScriptedServer,
    place: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    environment: dict[str, str],
    code: Exit,
    reason: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ours.txt").write_text("text")
    (tmp_path / "other.json").write_text('{"sparsity": 0.25}')
    server.on("/v1/uploads", lambda it: it.json(problem_document("Send a valid API key.", 401), 401))
    files = ["--junit", "junit.xml", "--summary", "summary.md", "--dotenv", "job.env"]
    result = run(place | environment, *arguments, *files, **GITHUB)
    assert result.exit_code == code
    title = "request rejected" if server.requests else "bad usage"
    mark = f"::error title=PruneServe%3A {title}::"
    (line,) = (line for line in result.stderr.splitlines() if line.startswith(mark))
    assert reason in line
    assert line.count("::") == 2
    assert parsed(tmp_path / "junit.xml").find("testcase/error") is not None
    assert (tmp_path / "summary.md").read_text().startswith("### ❌ PruneServe: ")
    assert (tmp_path / "job.env").exists()


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
    run(place, "--samples", "1", **system)
    keys = [headers["Idempotency-Key"] for path, headers in server.requests if path == "/v1/jobs"]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_outside_of_ci_every_run_has_a_new_key() -> None:
    assert request.idempotency_key({"GITHUB_SHA": "5f3e9a1"}, {}) is None
