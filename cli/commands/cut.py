"""`pruneserve cut`: apply the cut of a job's report to another checkpoint or adapter, on this machine."""

import importlib.util
import subprocess
import sys
from pathlib import Path

from cli.terminal import CommandFailed, Exit


def cut(source: Path, like: Path, output: Path) -> None:
    """Run the library, which is installed with the service. Its messages go to this command's own output."""
    if importlib.util.find_spec("torch") is None:
        raise CommandFailed("cutting needs torch: in a checkout, pip install '.[torch]'", Exit.USAGE)
    command = [sys.executable, "-m", "pruning", "--model", str(source.absolute()), "--like", str(like)]
    finished = subprocess.run([*command, "--output", str(output)], check=False)  # noqa: S603 - our own module
    if finished.returncode:
        raise CommandFailed("nothing was written", Exit.USAGE if finished.returncode == 2 else Exit.FAILED)
