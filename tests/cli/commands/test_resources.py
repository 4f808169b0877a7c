"""Every command that answers in JSON answers with what the server sent; tables show the same, escaped."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from cli.terminal import Exit
from tests.scripted_server import (
    NOW,
    ScriptedServer,
    artifact_document,
    job_document,
    state_event,
    sweep_document,
    zoo_document,
)

ID = "0a1b2c3d-0000-4000-8000-00000000ffff"
JOB = UUID(ID)
UPLOAD = {
    "id": ID,
    "name": "a \x1b[2Jtext",
    "format": "txt",
    "size": 2500,
    "sha256": "0" * 64,
    "created_at": NOW,
    "dataset": f"upload:{ID}",
}
WEBHOOK = {
    "id": ID,
    "url": "https://hooks.example.org/x",
    "events": ["job.failed"],
    "format": "standard",
    "enabled": False,
    "disabled_reason": "10 messages \x1b[2Jfailed",
    "failing_since": NOW,
    "created_at": NOW,
}
NEW_WEBHOOK = WEBHOOK | {"secret": "whsec_x"}
DELIVERY = {
    "id": ID,
    "event": "job.failed",
    "state": "failed",
    "attempts": 3,
    "next_attempt_at": None,
    "last_attempt_at": NOW,
    "last_status": 503,
    "last_error": "no \x1b[2Janswer",
    "delivered_at": None,
    "created_at": NOW,
}
KEY = {
    "id": ID,
    "owner": "ada",
    "name": "ci",
    "prefix": "abcd",
    "scopes": ["jobs:read"],
    "created_by": None,
    "created_at": NOW,
    "last_used_at": None,
    "expires_at": None,
}
METHOD = {
    "name": "gblm",
    "formula": "|W|\x1b[2J",
    "options": {"properties": {"name": {"default": "gblm"}, "norm": {"default": "l1"}}},
}
WORKER = {
    "name": "a-17-0af3c1",
    "queue": "prune",
    "state": "busy",
    "since": NOW,
    "device": "cuda A40",
    "sandbox": None,
    "job": {"id": ID, "owner": "eve\x1b[2J", "stage": "prune", "since": NOW},
    "started_at": NOW,
    "seen_at": NOW,
    "faults": 0,
    "quarantined_at": None,
    "fault": None,
    "cordoned_at": NOW,
    "draining": True,
}
SICK = WORKER | {
    "name": "sick-2-b",
    "state": "quarantined",
    "since": "2026-01-02T04:05:00+01:00",
    "device": None,
    "sandbox": {"landlock": False, "limits": True, "a\x1b[2J": False},
    "job": None,
    "faults": 3,
    "quarantined_at": "2026-01-02T04:05:00+01:00",
    "fault": "no \x1b[31mdisk",
    "cordoned_at": None,
    "draining": False,
}
QUEUE = {
    "name": "prune",
    "paused_at": NOW,
    "paused_by": "root\x1b[2J",
    "queued": 10_001,
    "running": 3,
    "workers": 2,
}
SWEEP = sweep_document(JOB, "succeeded", search={"met": 0.42, "missed": 0.5, "best_job": ID})
QUEUED = job_document(JOB, "queued")
ENTRY = zoo_document("sparse-one", artifact_document("a", b"", "0" * 64, "/x") | {"id": ID})
FILE = artifact_document(
    "a.txt", b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "/content"
)

USED = {"used_bytes": 1, "quota_bytes": 2}


def page(*items: Any) -> dict[str, Any]:
    return {"items": list(items), "next_cursor": None}


SHARE = {
    "owner": "ada",
    "weight": 1.0,
    "max_running": None,
    "running": 1,
    "queued": 5,
    "gpu_seconds": 7200.0,
    "cpu_seconds": 0.0,
}

# Arguments, the address that is asked, its answer, what is printed as JSON, and a word of what people see.
COMMANDS: list[tuple[str, str, Any, Any, str]] = [
    ("submit --model org/n --sparsity 0.5", "jobs", QUEUED, QUEUED, ID),
    (f"cancel {ID}", f"jobs/{ID}/cancel", QUEUED, QUEUED, "queued"),
    (f"retry {ID}", f"jobs/{ID}/retry", QUEUED, QUEUED, "queued"),
    (f"show {ID}", f"jobs/{ID}", QUEUED, QUEUED, "org/name"),
    ("tools methods", "methods", {"items": [METHOD]}, [METHOD], "norm=l1"),
    ("admin workers list", "workers", {"items": [WORKER]}, [WORKER], "a-17-0af3c1"),
    ("admin workers cordon a/b", "workers/a%2Fb", WORKER, WORKER, "busy, draining"),
    ("admin workers uncordon a", "workers/a", WORKER, WORKER, "busy"),
    ("admin workers drain a", "workers/a", WORKER, WORKER, "busy, draining"),
    ("admin queues list", "queues", {"items": [QUEUE]}, [QUEUE], "10001"),
    ("admin queues pause prune", "queues/prune", QUEUE, QUEUE, "paused"),
    ("admin queues resume prune", "queues/prune", QUEUE, QUEUE, "paused"),
    ("tools uploads list", "uploads", page(UPLOAD) | USED, [UPLOAD], "2.5 kB"),
    ("tools uploads add ours.txt", "uploads", UPLOAD, UPLOAD, f"upload:{ID}"),
    ("tools webhooks list", "webhooks", page(WEBHOOK), [WEBHOOK], "disabled: 10 messages"),
    (
        "tools webhooks new https://h/x",
        "webhooks",
        WEBHOOK | {"secret": "whsec_x"},
        WEBHOOK | {"secret": "whsec_x"},
        "whsec_x",
    ),
    (f"tools webhooks enable {ID}", f"webhooks/{ID}", WEBHOOK, WEBHOOK, "https://hooks"),
    (f"tools webhooks test {ID}", f"webhooks/{ID}/test", DELIVERY, DELIVERY, "503 no"),
    (f"tools webhooks deliveries {ID}", f"webhooks/{ID}/deliveries", page(DELIVERY), [DELIVERY], "503 no"),
    (
        f"tools webhooks replay {ID} {ID}",
        f"webhooks/{ID}/deliveries/{ID}/replay",
        DELIVERY,
        DELIVERY,
        "503 no",
    ),
    ("admin shares list", "shares", {"items": [SHARE]}, [SHARE], "any"),
    ("admin shares set ada --weight 2", "shares/ada", SHARE, SHARE, "2.00"),
    ("admin keys list", "keys", page(KEY), [KEY], "never"),
    ("admin keys new --name ci", "keys", KEY | {"key": "ps_new"}, KEY | {"key": "ps_new"}, "ps_new"),
    ("sweep list", "sweeps", page(SWEEP), [SWEEP], "0.42"),
    ("sweep submit --model org/n --vary sparsity=0.3", "sweeps", SWEEP, SWEEP, ID),
    (f"sweep show {ID}", f"sweeps/{ID}", SWEEP, SWEEP, "succeeded"),
    (f"sweep cancel {ID}", f"sweeps/{ID}/cancel", SWEEP, SWEEP, "succeeded"),
    ("zoo list", "zoo", page(ENTRY), [ENTRY], "sparse-one"),
    ("zoo show sparse-one", "zoo/sparse-one", ENTRY, ENTRY, "SHA-256 000"),
    (f"zoo promote {ID} --note good", "zoo", ENTRY, ENTRY, "sparse-one"),
    (f"download {ID} --output there", f"jobs/{ID}/artifacts", {"items": [FILE]}, [FILE], "1 files in there"),
    ("download dense-one", "zoo/dense-one", zoo_document("dense-one", FILE), [FILE], "1 files in dense-one"),
]


@pytest.mark.parametrize(
    ("arguments", "path", "answer", "printed", "word"), COMMANDS, ids=[command[0] for command in COMMANDS]
)
def test_json_is_what_the_server_sent_and_tables_are_escaped(
    server: ScriptedServer,
    pruneserve: Callable[..., Result],
    arguments: str,
    path: str,
    answer: Any,
    printed: Any,
    word: str,
) -> None:
    server.on(f"/v1/{path}", lambda it: it.json(answer))
    server.on("/content", lambda it: it.body(b"abc"))
    for_programs = pruneserve(*arguments.split(), "--json")
    assert for_programs.exit_code == Exit.OK, for_programs.output
    assert json.loads(for_programs.stdout) == printed
    for_people = pruneserve(*arguments.split())
    assert for_people.exit_code == Exit.OK, for_people.output
    assert word in for_people.stdout
    assert "\x1b" not in for_people.output


def test_a_worker_is_listed_with_its_job_its_missing_isolation_and_its_fault(
    server: ScriptedServer, pruneserve: Callable[..., Result]
) -> None:
    server.on("/v1/workers", lambda it: it.json({"items": [WORKER, SICK]}))
    lines = pruneserve("admin", "workers", "list").stdout.splitlines()
    at, lacking = "2026-01-02 03:04:05", "without landlock, a\\x1b[2J"
    assert [" ".join(line.split()) for line in lines[1:]] == [
        f"a-17-0af3c1 prune cuda A40 busy, draining {at} {ID} (prune, of eve\\x1b[2J) {at}",
        f"sick-2-b prune {lacking} quarantined 2026-01-02 03:05:00 {at} no \\x1b[31mdisk",
    ]


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        (f"tools uploads delete {ID[:8]}", f"/v1/uploads/{ID}"),
        (f"tools webhooks delete {ID[-8:]}", f"/v1/webhooks/{ID}"),
        (f"admin keys revoke {ID[:8]}", f"/v1/keys/{ID}"),
        ("zoo withdraw sparse-one", "/v1/zoo/sparse-one"),
        (f"tools delete {ID[:8]}", f"/v1/jobs/{ID}"),
    ],
)
def test_some_digits_are_enough_to_delete(
    server: ScriptedServer, pruneserve: Callable[..., Result], arguments: str, path: str
) -> None:
    listed = {"uploads": UPLOAD, "webhooks": WEBHOOK, "keys": KEY, "jobs": QUEUED}
    for name, item in listed.items():
        more = USED if name == "uploads" else {}
        server.on(f"/v1/{name}", lambda it, item=item, more=more: it.json(page(item) | more))
    server.on(path, lambda it: it.body(b"", 204))
    result = pruneserve(*arguments.split())
    assert result.exit_code == Exit.OK, result.output
    assert server.requests[-1][0].partition("?")[0] == path


def test_a_webhook_is_enabled_and_nothing_else_of_it_is_changed(
    server: ScriptedServer, pruneserve: Callable[..., Result]
) -> None:
    bodies = server.collect(f"/v1/webhooks/{ID}", WEBHOOK)
    assert pruneserve("tools", "webhooks", "enable", ID).exit_code == Exit.OK
    assert bodies == [{"enabled": True}]


def test_of_a_share_only_what_is_named_is_changed(
    server: ScriptedServer, pruneserve: Callable[..., Result]
) -> None:
    bodies = server.collect("/v1/shares/ada", SHARE)
    for options in ("--weight 2", "--unlimited", "--weight 3 --max-running 0"):
        assert pruneserve("admin", "shares", "set", "ada", *options.split()).exit_code == Exit.OK
    assert bodies == [
        {"weight": 2.0},
        {"max_running": None},
        {"weight": 3.0, "max_running": 0},
    ]
    for wrong in ("", "--unlimited --max-running 3"):
        assert pruneserve("admin", "shares", "set", "ada", *wrong.split()).exit_code == Exit.USAGE


def test_the_format_of_a_webhook_is_sent_where_it_is_named(
    server: ScriptedServer, pruneserve: Callable[..., Result]
) -> None:
    made = server.collect("/v1/webhooks", NEW_WEBHOOK)
    new = ("tools", "webhooks", "new", "https://h/x")
    assert pruneserve(*new).exit_code == Exit.OK
    assert pruneserve(*new, "--format", "slack", "--event", "job.failed").exit_code == Exit.OK
    assert made == [
        {"url": "https://h/x"},
        {"url": "https://h/x", "format": "slack", "events": ["job.failed"]},
    ]


def test_logs_print_the_events_so_far_or_until_the_end(
    server: ScriptedServer, pruneserve: Callable[..., Result]
) -> None:
    said = {"id": 2, "at": NOW, "data": {"kind": "log", "attempt": 1, "message": "a \x1b[2Jword"}}
    events = [state_event(1, "running"), said, state_event(3, "succeeded")]
    server.on_job(JOB, "running", *events)
    shown = pruneserve("logs", ID)
    assert [line.split("  ")[1] for line in shown.stdout.splitlines()] == [
        "running",
        "a \\x1b[2Jword",
        "succeeded",
    ]
    as_json = pruneserve("logs", ID, "--json")
    assert [json.loads(line) for line in as_json.stdout.splitlines()] == events
    server.on_job(JOB, "succeeded", *events)
    followed = pruneserve("logs", ID, "--follow", "--json")
    assert [json.loads(line) for line in followed.stdout.splitlines()] == events


def test_the_version_is_that_of_the_installed_package() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (Exit.OK, f"{version('pruneserve')}\n")


def test_bash_completes_commands(tmp_path: Path) -> None:
    program = tmp_path / "pruneserve"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.argv[0] = 'pruneserve'\nfrom cli.main import app\napp()\n"
    )
    program.chmod(0o755)
    script = """
        eval "$(pruneserve --show-completion)"
        COMP_WORDS=(pruneserve tools webhooks de); COMP_CWORD=3
        $(complete -p pruneserve | sed 's/.*-F \\([^ ]*\\) .*/\\1/') pruneserve
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    environment = os.environ | {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"delete", "deliveries"}, done.stderr
