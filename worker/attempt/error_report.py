"""The error that a failed job shows to its owner.

Only messages that were written for people are shown. The text of any other exception may hold a path or a
secret: it goes to the worker's log, and the owner gets the exception's type and where to look.
"""

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from jobs.lifecycle.events import JobError
from jobs.lifecycle.lifecycle import Claim
from jobs.storage.store import StoreError
from pruning.errors import InvalidInput, NumericalFailure, PruningError, Unreachable
from pruning.runtime.device import is_out_of_memory
from worker.attempt.disk import Disk, DiskFull, is_disk_full

_KINDS: dict[type[Exception], str] = {
    DiskFull: "disk_full",
    InvalidInput: "invalid_input",
    NumericalFailure: "numerical_failure",
    Unreachable: "unreachable",
    PruningError: "impossible",
    StoreError: "store",
}


def job_error(error: Exception, claim: Claim, disk: Disk) -> JobError:
    """Return a failed job's error: its type, a message that says what to do, and maybe the field at fault."""
    if is_disk_full(error) and not isinstance(error, PruningError | StoreError):
        error = disk.full()
    for kind, name in _KINDS.items():
        if isinstance(error, kind):
            field = error.field if isinstance(error, PruningError) else None
            return JobError(type=name, message=str(error), field=field)
    if isinstance(error, ValidationError):
        return _stored_differently(error.errors()[0])
    if is_out_of_memory(error):
        return JobError(
            type="out_of_memory",
            message="the worker's memory is too small for this job; use a shorter sequence_length, "
            "the dtype bfloat16, or a larger machine",
        )
    return JobError(
        type="internal",
        message=f"the worker failed unexpectedly ({type(error).__name__}); the operator finds the details "
        f"in its log under job {claim.job_id}, attempt {claim.attempt}",
    )


def _stored_differently(found: ErrorDetails) -> JobError:
    """The error of a stored job that this version does not accept."""
    if found["type"] == "spec_version":
        message = found["msg"]
    else:
        message = "the job was stored by another version and is not valid in this one; submit it again"
    return JobError(type="invalid_input", message=message, field=".".join(map(str, found["loc"])) or None)
