"""Options of the commands that wait, and of those that print JSON."""

from typing import Annotated

import typer

from cli.options.job_option import finite

_YEAR_SECONDS = 365 * 24 * 3600

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
PatienceSeconds = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        min=0,
        callback=finite,
        help="Seconds that the server may be unavailable, for a restart for example.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the server's response as JSON.")]
