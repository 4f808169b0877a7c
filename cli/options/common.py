"""Options that several commands have: how long to wait, and whether to print JSON."""

from typing import Annotated

import typer

from cli.options.job_option import finite

_YEAR_SECONDS = 365 * 24 * 3600

PATIENCE_SECONDS = 120.0
"""How long a command that waits bears a server that is unavailable: longer than a restart takes."""

Timeout = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        min=1,
        max=_YEAR_SECONDS,
        callback=finite,
        help="Stop waiting after so many seconds, at most a year; the job goes on.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the server's response as JSON.")]
