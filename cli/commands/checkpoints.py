"""A command on checkpoints that needs no server: apply the cut of a job to another one."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.terminal import CommandFailed, Exit


def cut(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            help="A checkpoint of the family of the report's model, or a LoRA adapter for it.",
            show_default=False,
        ),
    ],
    like: Annotated[
        Path, typer.Option(metavar="REPORT", help="The pruning_report.json of a job with `structure`.")
    ],
    output: Annotated[Path, typer.Option(metavar="DIR", help="Where the result goes; must not exist.")],
) -> None:
    """Take the same units out of another checkpoint or adapter as a job did, on this machine."""
    # The library is installed with the service. Its messages go to this command's own output.
    if importlib.util.find_spec("torch") is None:
        raise CommandFailed("cutting needs torch: in a checkout, pip install '.[torch]'", Exit.USAGE)
    command = [sys.executable, "-m", "pruning", "--model", str(source.absolute()), "--like", str(like)]
    finished = subprocess.run([*command, "--output", str(output)], check=False)  # noqa: S603 - our own module
    if finished.returncode:
        raise CommandFailed("nothing was written", Exit.USAGE if finished.returncode == 2 else Exit.FAILED)
