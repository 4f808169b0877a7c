"""What is printed, and what never is."""

import json
import os
import subprocess
import sys

import pytest

from cli.terminal import clean, duration, print_json


@pytest.mark.threat
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain [bold]text[/bold] → ü", "plain [bold]text[/bold] → ü"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\x9b31m", "\\x9b31m"),
        ("a\rb\tc\0", "a\\rb\\tc\\x00"),
        ("user\u202egnp.exe", "user\\u202egnp.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("one\nerror: two", "one\n  error: two"),
        ("one\u2028two", "one\\u2028two"),
        ("\ud800", "\\ud800"),
        ("::error::no", ":\\x3aerror:\\x3ano"),
        ("a\n::error::no", "a\n  :\\x3aerror:\\x3ano"),
        (":::", ":\\x3a:"),
        ("###[error]no", "##\\x23[error]no"),
        ("a ##vso[task.setvariable variable=x]y", "a #\\x23vso[task.setvariable variable=x]y"),
        ("##teamcity[publishArtifacts '/']", "#\\x23teamcity[publishArtifacts '/']"),
        ("##some.other-ci[x]", "#\\x23some.other-ci[x]"),
        ("## a heading [with a link]", "## a heading [with a link]"),
    ],
)
def test_untrusted_text_cannot_control_the_terminal_or_a_pipeline(text: str, shown: str) -> None:
    assert clean(text) == shown


@pytest.mark.threat
@pytest.mark.parametrize("mark", ["##[error]", "##vso[task.complete]", "##teamcity[message]"])
def test_json_keeps_the_text_and_loses_the_mark(mark: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": f"a {mark} b"})
    printed = capsys.readouterr().out
    assert mark not in printed
    assert json.loads(printed) == {"name": f"a {mark} b"}


def test_a_stream_that_cannot_show_a_character_gets_an_escape() -> None:
    program = "from cli.terminal import err, out; out.print('1 → 2'); err.print('≤ 3')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "1 \\u2192 2\n", "\\u2264 3\n")


def test_a_closed_pipe_reaches_the_main_thread_even_if_another_has_met_it() -> None:
    program = """
import threading
from cli.terminal import PipeClosed, out
def show():
    try:
        out.print("a line")
    except PipeClosed:
        met.append(threading.current_thread().name)
met = []
other = threading.Thread(target=show, name="other")
other.start()
other.join()
show()
exit(met != ["other", "MainThread"])
"""
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run([sys.executable, "-c", program], stdout=theirs, stderr=subprocess.PIPE, check=False)
    os.close(theirs)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_command_runs_without_a_standard_output() -> None:
    """As that of a daemon."""
    command = f"{sys.executable} -m cli.main --version >&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (7.25, "7.2 s"),
        (59.4, "59 s"),
        (59.8, "1 min 00 s"),
        (250, "4 min 10 s"),
        (7500, "2 h 05 min"),
    ],
)
def test_durations_are_readable(seconds: float, text: str) -> None:
    assert duration(seconds) == text
