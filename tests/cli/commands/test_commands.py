"""The commands as a pipeline calls them: what they print, and the code that they exit with."""

import re
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from typer.testing import CliRunner, Result

from cli.commands import run as run_command
from cli.data_directory import DataDirectory
from cli.main import app
from cli.terminal import Exit
from pruneserve_client.models import JobDetail
from tests.scripted_server import (
    Exchange,
    ScriptedServer,
    error_document,
    job_document,
    problem_document,
    state_event,
)


@pytest.fixture(autouse=True)
def nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataDirectory:
    """No server and no key by environment, and a data directory without an `up`."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("PRUNESERVE_URL", raising=False)
    monkeypatch.delenv("PRUNESERVE_API_KEY", raising=False)
    data = DataDirectory(tmp_path / "pruneserve")
    data.create()
    return data


def run(*arguments: str, server: ScriptedServer | None = None, key: str = "ps_key") -> Result:
    environment = {"PRUNESERVE_URL": server.url, "PRUNESERVE_API_KEY": key} if server else {}
    return CliRunner().invoke(app, list(arguments), env=environment)


def serve_job(server: ScriptedServer, job_id: UUID, state: str, **more: object) -> None:
    server.on_job(job_id, state, state_event(1, "queued"), state_event(2, state), **more)


def test_wait_shows_why_a_job_failed(server: ScriptedServer, job_id: UUID) -> None:
    serve_job(server, job_id, "failed", error=error_document("no such \x1b[31mmodel", "model.id"))
    result = run("wait", str(job_id), server=server)
    assert "model.id: no such \\x1b[31mmodel" in result.stdout


WAITING = {
    "reason": "worker",
    "position": None,
    "message": "no worker \x1b[31mis connected",
    **dict.fromkeys(("since", "tries", "next_try_at")),
}


def test_show_shows_why_a_job_waits(server: ScriptedServer, job_id: UUID) -> None:
    serve_job(server, job_id, "queued", waiting=WAITING)
    items = [job_document(job_id, "queued", waiting=WAITING)]
    server.on("/v1/jobs", lambda it: it.json({"items": items, "next_cursor": None}))
    for command in (("show", str(job_id)), ("jobs",)):
        assert "queued (no worker \\x1b[31mis connected)" in run(*command, server=server).stdout


def test_wait_shows_once_why_the_job_waits(
    server: ScriptedServer, job_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_command, "_FIRST_POLL_SECONDS", 0.01)
    monkeypatch.setattr(run_command, "_POLL_SECONDS", 0.01)
    asked: list[str] = []
    twice = threading.Event()

    def job(it: Exchange) -> None:
        ended = twice.is_set()
        it.json(
            job_document(job_id, "succeeded") if ended else job_document(job_id, "queued", waiting=WAITING)
        )
        asked.append(it.path)
        if len(asked) == 2:  # the first answer was printed before
            twice.set()

    def events(it: Exchange) -> None:
        queued = state_event(1, "queued")
        if not it.wants_stream:
            it.list_events(queued, state_event(2, "succeeded"))
        else:
            it.stream(queued)
            assert twice.wait(20)

    server.on(f"/v1/jobs/{job_id}", job)
    server.on(f"/v1/jobs/{job_id}/events", events)
    result = run("wait", str(job_id), server=server)
    assert result.exit_code == Exit.OK, result.output
    assert re.findall("waiting: (.*)", result.stdout) == ["no worker \\x1b[31mis connected"]


@pytest.mark.parametrize(
    ("spec", "needed", "advice"),
    [
        ({"model": {"id": "org/name"}}, "org/name", "for --model, a directory on its machine"),
        (
            {"model": {"id": "/m"}, "calibration": {"dataset": "c4"}, "evaluation": {"dataset": "wikitext2"}},
            "c4, wikitext2",
            "--quick for a first result, or --calibration builtin --evaluation builtin",
        ),
        (
            {"model": {"id": "/m"}, "evaluation": {"dataset": "/t.txt", "tasks": ["piqa"]}},
            "piqa",
            "no --task",
        ),
        (
            {
                "model": {"id": "/m"},
                "calibration": {"dataset": "builtin"},
                "evaluation": {"dataset": "builtin"},
                "recovery": {"distil": {"dataset": "c4"}},
            },
            "c4",
            "builtin as recovery.distil.dataset",
        ),
        ({"model": {"id": "/m"}, "evaluation": {"dataset": "builtin"}}, None, None),
    ],
)
def test_a_job_that_waits_for_the_hub_shows_how_to_do_without(
    spec: dict[str, Any], needed: str | None, advice: str | None
) -> None:
    job = JobDetail.model_validate(
        job_document(UUID(int=1), "running", spec=spec | {"method": {"name": "gblm"}})
    )
    said = run_command.without_hub(job)
    assert said == (
        needed and f"the Hugging Face Hub, for {needed}. Where the worker does not reach it, give {advice}"
    )


def test_a_job_that_does_not_exist_is_a_bad_request(server: ScriptedServer, job_id: UUID) -> None:
    server.on(f"/v1/jobs/{job_id}", lambda it: it.json(problem_document("There is no such job.", 404), 404))
    result = run("show", str(job_id), server=server)
    assert result.exit_code == Exit.USAGE
    assert "There is no such job." in result.stderr


def test_without_a_server_the_message_has_the_next_step() -> None:
    result = run("jobs")
    assert result.exit_code == Exit.UNREACHABLE
    assert "pruneserve up" in result.stderr


def test_submit_prints_the_id_alone(server: ScriptedServer, job_id: UUID) -> None:
    server.on("/v1/jobs", lambda it: it.json(job_document(job_id, "queued"), 201))
    result = run("submit", "--model", "org/name", "--method", "gblm", "--sparsity", "0.5", server=server)
    assert result.stdout == f"{job_id}\n"
    (_, headers), *_ = server.requests
    assert headers["Authorization"] == "Bearer ps_key"
    assert headers["Idempotency-Key"]


def test_a_directory_is_named_by_its_path(
    server: ScriptedServer, job_id: UUID, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models" / "tiny").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    bodies = server.collect("/v1/jobs", job_document(job_id, "queued"), 201)
    submit = ("submit", "--sparsity", "0.5", "--model")
    named = run(*submit, "models/tiny", server=server)
    assert f"models/tiny is a directory here: the job names {tmp_path}/models/tiny" in named.stderr
    for model in ("./models/tiny", f"{tmp_path}/models/tiny", "models/none"):
        run(*submit, model, server=server)
    path = f"{tmp_path}/models/tiny"
    assert [body["model"]["id"] for body in bodies] == [path, path, path, "models/none"]
    missing = run(*submit, "./none", server=server)
    assert (missing.exit_code, len(bodies)) == (Exit.USAGE, 4)
    assert f"--model ./none: there is no such directory here ({tmp_path}/none)" in missing.stderr


def test_a_cut_is_shown_in_place_of_a_sparsity(server: ScriptedServer, job_id: UUID) -> None:
    model = {"id": "org/name"}
    cut = {"method": "structure", "sparsity": 0.0, "name": "half as wide"}
    spec = {"model": model, "method": None, "structure": {"mlp_channels": 0.5}}
    serve_job(server, job_id, "succeeded", **cut, spec=spec)
    shown = run("show", str(job_id), server=server).stdout
    assert re.search(r"method +structure, mlp_channels 0.5 *\n", shown)
    assert "sparsity" not in shown
    assert f"page    {server.url}/jobs/{job_id}" in shown
    long = f"/srv/{'x' * 300}"
    items = [job_document(job_id, "succeeded", **cut, model=long)]
    server.on("/v1/jobs", lambda it: it.json({"items": items, "next_cursor": None}))
    heads, row = run("jobs", server=server).stdout.splitlines()  # a line for a job, however long
    assert row.endswith(long)
    at = heads.index("pattern")
    assert row[heads.index("name") :].startswith("half as wide")
    assert row[at : heads.index("model")].strip() == ""
    masked = spec | {"method": {"name": "wanda"}}
    serve_job(server, job_id, "queued", method="wanda", spec=masked)
    shown = run("show", str(job_id), server=server).stdout
    assert "wanda, unstructured, sparsity 0.5, structure, mlp_channels 0.5" in shown
    serve_job(server, job_id, "queued", method="none", sparsity=0.0)
    assert re.search(r"method +none *\n", run("show", str(job_id), server=server).stdout)


def test_jobs_are_listed_by_date_in_local_time(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Etc/GMT-2")  # two hours ahead of UTC
    time.tzset()
    server.on("/v1/jobs", lambda it: it.json({"items": [], "next_cursor": None}))
    options = ["--since", "2026-01-02T03:00:00", "--search", "llama", "--oldest-first"]
    assert run("jobs", *options, server=server).exit_code == Exit.OK
    monkeypatch.undo()
    time.tzset()
    (path, _), *_ = server.requests
    query = parse_qs(urlsplit(path).query)
    assert datetime.fromisoformat(query["since"][0]) == datetime(2026, 1, 2, 1, tzinfo=UTC)
    assert (query["search"], query["order"], "until" in query) == (["llama"], ["oldest"], False)


def test_the_local_key_is_for_the_local_server_only(
    server: ScriptedServer, nothing_set: DataDirectory
) -> None:
    nothing_set.address.write_text("http://127.0.0.1:1\n")
    nothing_set.api_key.write_text("ps_local\n")
    result = run("jobs", "--url", server.url)
    assert result.exit_code == Exit.USAGE
    assert "no API key" in result.stderr
    assert server.requests == []


def test_a_key_that_no_header_can_hold_is_refused(server: ScriptedServer, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("ps_ä\nX-Other: 1")
    result = run("jobs", "--key-file", str(tmp_path / "key"), server=server)
    assert result.exit_code == Exit.USAGE


JOB = str(UUID(int=1))


@pytest.mark.parametrize(
    "arguments",
    [
        ("wait", JOB, "--timeout", "nan"),
        ("wait", JOB, "--timeout", "1e300"),
        ("admin", "keys", "new", "--name", "a", "--days", "nan"),
        ("sweep", "submit", "--model", "org/name", "--vary", "sparsity=NaN,0.3"),
        ("submit", "--model", "org/name", "--idempotency-key", "é"),
    ],
)
def test_a_value_that_cannot_be_sent_is_bad_usage(server: ScriptedServer, arguments: tuple[str, ...]) -> None:
    result = run(*arguments, server=server)
    assert result.exit_code == Exit.USAGE, result.output
    assert server.requests == []


def test_the_help_and_the_documentation_have_the_same_exit_codes() -> None:
    documented = Path("docs/cli.md").read_text(encoding="utf-8").partition("## Exit codes")[2]
    of_table = re.findall(r"\d+", " ".join(re.findall(r"^\| ([\d, ]+) \|", documented, re.MULTILINE)))
    shown = " ".join(run("--help").output.split()).partition("Exit codes: ")[2]
    assert re.findall(r"\b\d+\b", shown) == of_table
    assert {int(code) for code in of_table} == {*Exit, 130, 141, 143}


def test_a_refused_format_of_a_webhook_is_called_as_it_was_typed(server: ScriptedServer) -> None:
    refused = problem_document("Not so.", 422, format="is neither standard nor slack")
    server.on("/v1/webhooks", lambda exchange: exchange.json(refused, 422))
    new = ["tools", "webhooks", "new", "https://hooks.example.com", "--format", "teams"]
    done = run(*new, server=server)
    assert (done.exit_code, done.stderr) == (
        2,
        "error: Not so.\n    --format: is neither standard nor slack\n",
    )


@pytest.mark.parametrize("group", [[], ["tools"], ["zoo"], ["admin"]])
def test_the_help_of_a_group_cuts_no_line_off(group: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = run(*group, "--help").stdout.partition("Commands:\n")[2]
    assert shown
    assert "..." not in shown
