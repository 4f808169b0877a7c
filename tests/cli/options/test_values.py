"""What cannot be read is refused in words of the command line, with what is accepted and what was typed."""

import pytest
from typer.testing import CliRunner

from cli.main import app

JOB = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("wait", JOB, "--timeout", "1s"), "write a number of seconds from 1 to 31536000, not '1s'"),
        (("wait", JOB, "--timeout", "0"), "write a number of seconds from 1 to 31536000, not '0'"),
        (("jobs", "--limit", "1.5"), "write a whole number of at least 1, not '1.5'"),
        (("jobs", "--limit", "0"), "write a whole number of at least 1, not '0'"),
        (("jobs", "--since", "yesterday"), "write a date or a time such as 2026-03-01 or"),
        (("up", "--port", "65536"), "write a whole number from 1 to 65535, not '65536'"),
        (("submit", "--samples", "many"), "write a whole number, not 'many'"),
        (("sweep", "search", "--tolerance", "low"), "write a share like 5% or 0.05, not 'low'"),
        (("sweep", "list", "--limit", "x" * 81), f"not '{'x' * 80}\u2026'"),
        (("submit", "--sparsity", "\x1b[31m"), r"write a share like 5% or 0.05, not '\x1b[31m'"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_is_accepted(arguments: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert said in done.output
    assert "Input should" not in done.output
