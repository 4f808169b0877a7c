"""Messages cannot forge log lines or reach a terminal."""

import io
import logging
import sys

import pytest

from jobs.monitoring.logs import escape_messages, escaped


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2Jx", r"\x1b[2Jx"),
        ("a\nb\rc", r"a\nb\rc"),
        ("\x9b31m", r"\x9b31m"),
        ("mit\u202ecod", r"mit\u202ecod"),
        ("\ud800", r"\ud800"),
        ("tab\tand naïve 漢字", "tab\tand naïve 漢字"),
    ],
)
def test_what_a_terminal_would_obey_is_spelt_out(text: str, shown: str) -> None:
    assert escaped(text) == shown


@pytest.mark.threat
def test_neither_a_message_nor_a_traceback_can_forge_a_line_or_an_escape() -> None:
    logger, written = logging.Logger("log"), io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logger.addHandler(handler)
    escape_messages(logger)
    try:
        raise ValueError("\x1b[31m\nERROR job 1 succeeded")
    except ValueError:
        logger.warning("job %s: %s", 1, "\x1b]0;title\x07\nERROR job 2 failed", exc_info=sys.exc_info())
    lines = written.getvalue().splitlines()
    assert lines[0] == r"WARNING job 1: \x1b]0;title\x07\nERROR job 2 failed"
    assert all(line.startswith("  ") for line in lines[1:])
    assert len(lines) > 3, "the traceback keeps its lines"
    assert "\x1b" not in written.getvalue()


@pytest.mark.threat
def test_an_error_that_quotes_a_file_cannot_fill_the_log() -> None:
    logger, written = logging.Logger("log"), io.StringIO()
    logger.addHandler(logging.StreamHandler(written))
    escape_messages(logger)
    try:
        raise ValueError(f"begin {'n' * 10**6} end")
    except ValueError as error:
        logger.warning("job %s: %s", 1, error, exc_info=True)
    assert len(written.getvalue()) < 100_000
    line, *_, last = written.getvalue().splitlines()
    assert line.startswith("job 1: begin nnn")
    assert line.endswith("nnn end")
    assert last.endswith("nnn end")
