"""Ctrl-C, SIGTERM and a closed pipe, while a job is followed and before."""

import os
import pty
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from cli.terminal import Exit
from tests.cli.commands.run.scripted import INCONCLUSIVE, JOB, parsed, serve
from tests.cli.conftest import PRUNESERVE
from tests.scripted_server import Exchange, ScriptedServer, job_document, problem_document, state_event


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


@pytest.mark.parametrize(
    ("number", "flag", "cancelled"),
    [
        (signal.SIGINT, "--cancel-on-interrupt", True),
        (signal.SIGINT, None, False),
        (signal.SIGTERM, "--keep-on-interrupt", False),
        (signal.SIGTERM, None, False),
    ],
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
    # The job as it is now, and not as it was when it was submitted.
    assert re.search(f"state +{'cancelling' if cancelled else 'running'}", output)


def test_a_second_sigterm_does_not_end_a_cancellation(
    server: ScriptedServer, place: dict[str, str], job_id: UUID
) -> None:
    """A process group gets the signal, and its shell passes it on."""
    with followed(server, place, job_id, "--cancel-on-interrupt") as process:
        cancel = server.answers[f"/v1/jobs/{job_id}/cancel"]

        def signalled_meanwhile(it: Exchange) -> None:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(1)
            cancel(it)

        server.on(f"/v1/jobs/{job_id}/cancel", signalled_meanwhile)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=20)
    assert process.returncode == Exit.CANCELLED, output


@pytest.mark.parametrize("status", [502, 404], ids=["unavailable", "a page of a proxy"])
def test_a_cancellation_is_repeated_while_the_server_is_restarted(
    server: ScriptedServer, place: dict[str, str], job_id: UUID, status: int
) -> None:
    with followed(server, place, job_id, "--cancel-on-interrupt") as process:
        cancel = server.answers[f"/v1/jobs/{job_id}/cancel"]

        def away(it: Exchange) -> None:
            server.on(f"/v1/jobs/{job_id}/cancel", cancel)
            it.body(b"", status)

        server.on(f"/v1/jobs/{job_id}/cancel", away)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=20)
    assert process.returncode == Exit.CANCELLED, output
    assert [path for path, _ in server.requests].count(f"/v1/jobs/{job_id}/cancel") == 2


def test_a_job_that_has_ended_before_its_cancellation_has_the_outcome_of_its_gate(
    server: ScriptedServer, place: dict[str, str], job_id: UUID
) -> None:
    with followed(server, place, job_id, "--cancel-on-interrupt", "--inconclusive", "pass") as process:

        def has_ended(it: Exchange) -> None:
            server.on_job(job_id, "succeeded", gate=INCONCLUSIVE)
            it.json(problem_document("The job has ended.", 409), 409)

        server.on(f"/v1/jobs/{job_id}/cancel", has_ended)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == Exit.OK, output


def test_a_server_that_hangs_does_not_keep_a_cancellation_from_its_report(
    server: ScriptedServer, place: dict[str, str], job_id: UUID, tmp_path: Path
) -> None:
    over = threading.Event()
    junit = tmp_path / "junit.xml"
    try:
        with followed(server, place, job_id, "--cancel-on-interrupt", "--junit", str(junit)) as process:
            server.on(f"/v1/jobs/{job_id}/cancel", lambda _: over.wait(60))
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=20)
    finally:
        over.set()
    assert process.returncode == Exit.UNREACHABLE, output
    assert "the job could not be cancelled: " in output
    assert parsed(junit).find("testcase/error") is not None


@contextmanager
def closed_pipe() -> Iterator[int]:
    """A pipe whose reader has gone, as that of `head` after its last line."""
    ours, theirs = os.pipe()
    os.close(ours)
    yield theirs
    os.close(theirs)


@pytest.mark.parametrize(
    ("flags", "of_both", "code", "element"),
    [
        (["--cancel-on-interrupt"], False, Exit.CANCELLED, "skipped"),
        (["--cancel-on-interrupt"], True, Exit.CANCELLED, "skipped"),
        ([], False, 141, "error"),
    ],
)
def test_a_closed_pipe_interrupts_a_run(
    server: ScriptedServer,
    place: dict[str, str],
    job_id: UUID,
    tmp_path: Path,
    flags: list[str],
    of_both: bool,
    code: int,
    element: str,
) -> None:
    serve(server, job_id, "running")
    server.on(f"/v1/jobs/{job_id}/cancel", lambda it: it.json(job_document(job_id, "cancelling"), 202))
    files = ["--junit", str(tmp_path / "junit.xml"), "--summary", str(tmp_path / "summary.md")]
    command = [*PRUNESERVE, *JOB, *flags, *files]
    with closed_pipe() as pipe:
        errors = subprocess.STDOUT if of_both else subprocess.PIPE
        done = subprocess.run(
            command, env=os.environ | place, stdout=pipe, stderr=errors, text=True, timeout=60, check=False
        )
    assert done.returncode == code, done.stderr
    assert (f"/v1/jobs/{job_id}/cancel" in [path for path, _ in server.requests]) == bool(flags)
    if not of_both:
        assert done.stderr.splitlines() == ["cancelled" if flags else "interrupted; the job goes on"]
    assert parsed(tmp_path / "junit.xml").find(f"testcase/{element}") is not None
    assert str(job_id) in (tmp_path / "summary.md").read_text()


def test_the_outcome_of_a_job_outlives_the_reader_of_its_output(
    server: ScriptedServer, place: dict[str, str], job_id: UUID
) -> None:
    serve(server, job_id, "succeeded", gate=INCONCLUSIVE)
    command = [*PRUNESERVE, *JOB, "--json"]
    with closed_pipe() as pipe:
        done = subprocess.run(
            command,
            env=os.environ | place,
            stdout=pipe,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == Exit.INCONCLUSIVE
    assert "inconclusive" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["jobs"],
        ["jobs", "--json"],
        ["logs", "ID", "--follow"],
        ["logs", "ID", "--json"],
        ["--version"],
    ],
)
def test_a_closed_pipe_ends_another_command_without_a_word(
    server: ScriptedServer, place: dict[str, str], job_id: UUID, command: list[str]
) -> None:
    server.on_job(job_id, "running", state_event(1, "running"))
    server.on(
        "/v1/jobs", lambda it: it.json({"items": [job_document(job_id, "queued")], "next_cursor": None})
    )
    arguments = [str(job_id) if argument == "ID" else argument for argument in command]
    with closed_pipe() as pipe:
        done = subprocess.run(
            [*PRUNESERVE, *arguments],
            env=os.environ | place,
            stdout=pipe,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (141, "")


def test_a_closed_pipe_ends_a_command_that_fails(place: dict[str, str], tmp_path: Path) -> None:
    missing = {"PRUNESERVE_API_KEY_FILE": str(tmp_path / "missing")}
    with closed_pipe() as pipe:
        done = subprocess.run(
            [*PRUNESERVE, "jobs"],
            env=os.environ | place | missing,
            stdout=pipe,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
    assert done.returncode == 141


@pytest.mark.parametrize(
    ("flag", "code", "element", "says"),
    [
        ("--cancel-on-interrupt", Exit.CANCELLED, "skipped", "cancelled"),
        ("--keep-on-interrupt", 143, "error", "interrupted"),
    ],
)
def test_an_interrupted_upload_submits_nothing(
    server: ScriptedServer,
    place: dict[str, str],
    tmp_path: Path,
    flag: str,
    code: int,
    element: str,
    says: str,
) -> None:
    over, waiting = threading.Event(), threading.Event()

    def upload(_: Exchange) -> None:
        waiting.set()
        over.wait(60)

    server.on("/v1/uploads", upload)
    (tmp_path / "ours.txt").write_text("our own text")
    given = ["--calibration", "./ours.txt", "--junit", "junit.xml", flag]
    process = subprocess.Popen(
        [*PRUNESERVE, *JOB, *given],
        cwd=tmp_path,
        env=os.environ | place | {"PYTHONPATH": str(Path.cwd())},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert waiting.wait(60)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
    finally:
        over.set()
        process.kill()
        process.wait()
    assert (process.returncode, output) == (code, f"{says}; no job was submitted\n")
    assert parsed(tmp_path / "junit.xml").find(f"testcase/{element}") is not None
    assert [path for path, _ in server.requests] == ["/v1/uploads?name=ours.txt"]


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
