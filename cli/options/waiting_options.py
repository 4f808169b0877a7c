"""Options of the commands that wait, and of those that print JSON."""

from typing import Annotated

import typer

Timeout = Annotated[
    float | None, typer.Option(min=1, help="Stop waiting after so many seconds; the job goes on.")
]
PatienceSeconds = Annotated[
    float, typer.Option(min=0, help="Seconds that the server may be unavailable, for a restart for example.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the server's response as JSON.")]
