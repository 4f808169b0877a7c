"""Why a step fails, as an annotation that GitHub shows next to the run."""

import os

from cli.render.outcome import Outcome
from cli.render.views import failed_conditions
from cli.terminal import Exit, clean, err

_ENDS_A_MESSAGE = "%\r\n"
_ENDS_A_PROPERTY = _ENDS_A_MESSAGE + ":,"


def annotate(outcome: Outcome) -> None:
    """Print the annotation, unless all is well or this is no step of GitHub Actions."""
    if os.environ.get("GITHUB_ACTIONS") != "true" or outcome.code == Exit.OK:
        return
    job = outcome.job
    reasons = [outcome.problem, job.error.message if job and job.error else "", *failed_conditions(job)]
    message = "; ".join(filter(None, reasons)) or outcome.title
    title = _escaped(f"PruneServe: {outcome.title}", _ENDS_A_PROPERTY)
    err.print(f"::error title={title}::{_escaped(message, _ENDS_A_MESSAGE)}")


def _escaped(text: str, ends: str) -> str:
    """Return the text as a part of a command: what would end that part is written in percent."""
    return "".join(f"%{ord(one):02X}" if one in ends else one for one in clean(text))
