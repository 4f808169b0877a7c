"""`--quick`: what a first result is measured on, and how such a job is recognised."""

from typing import Any

from pruneserve_client.models import JobDetail

WINDOWS = 16
LENGTH = 512

_TEXT = {"dataset": "builtin", "sequence_length": LENGTH}
FIELDS: dict[str, dict[str, Any]] = {
    "calibration": _TEXT | {"samples": WINDOWS},
    "evaluation": _TEXT | {"windows": WINDOWS, "speed": "off"},
}
"""The fields of a request that `--quick` gives."""

NOTE = (
    f"quick: {WINDOWS} windows of {LENGTH} tokens of the built-in text; not comparable with perplexities on "
    "WikiText-2 or any other text"
)


def is_quick(job: JobDetail) -> bool:
    """Whether a job is measured on what `--quick` gives, however it was submitted."""
    asked = {"calibration": job.spec.calibration, "evaluation": job.spec.evaluation}
    given = ((asked[part], name, value) for part, fields in FIELDS.items() for name, value in fields.items())
    return all(getattr(place, name, None) == value for place, name, value in given)
