"""Commands on checkpoints that need no server: apply the cut of a job to another one; pack and unpack."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.options.job_option import size as bytes_of
from cli.terminal import CommandFailed, Exit, out, size


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


def pack(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="A downloaded result, or one safetensors file.", show_default=False
        ),
    ],
    output: Annotated[Path, typer.Option(metavar="DIR", help="Where it goes packed; must not exist.")],
) -> None:
    """Make a pruned result smaller for an archive or a slow line: only `pruneserve unpack` reads it."""
    _converted(source, output, "pack")


def unpack(
    source: Annotated[
        Path, typer.Argument(metavar="DIR", help="What `pruneserve pack` has written.", show_default=False)
    ],
    output: Annotated[Path, typer.Option(metavar="DIR", help="Where it goes as it was; must not exist.")],
    max_bytes: Annotated[
        int | None,
        typer.Option(
            parser=bytes_of,
            metavar="SIZE",
            help="Refuse what would give more, such as 20GB: a small packed file may hold very many zeros. "
            "Default: what the disk has room for.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Make a packed result what it was before, byte for byte."""
    _converted(source, output, "unpack", max_bytes)


def _converted(source: Path, output: Path, way: Literal["pack", "unpack"], most: int | None = None) -> None:
    if importlib.util.find_spec("numpy") is None:
        raise CommandFailed(f"to {way} needs numpy: pip install numpy", Exit.USAGE)
    from cli.packing import files
    from cli.packing.format import NotPackable

    if not source.exists():
        raise CommandFailed(f"there is no {source}", Exit.USAGE)
    if output.exists():
        raise CommandFailed(f"{output} exists already: choose another --output", Exit.USAGE)
    try:
        if way == "pack":
            before, after = files.pack(source, output)
        else:
            before, after = files.unpack(source, output, most)
    except NotPackable as error:
        raise CommandFailed(str(error), Exit.USAGE) from error
    except OSError as error:
        raise CommandFailed(f"nothing was written: {error}", Exit.FAILED) from error
    out.print(f"{size(before)} before, {size(after)} after ({after / max(1, before):.1%})")
