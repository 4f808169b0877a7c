"""The options of every command that waits for something or tells what the server says."""

from typing import Annotated

import typer

Timeout = Annotated[
    float | None, typer.Option(min=1, help="Seconds after which to stop waiting; what was asked for goes on.")
]
PatienceSeconds = Annotated[
    float, typer.Option(min=0, help="Seconds that the server may be out of reach, to restart for example.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Everything that the server says, as JSON.")]
