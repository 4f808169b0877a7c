"""The error of a failed job for its owner, and its cause: the request, something outside, or the worker.

Only messages that were written for users are shown. The text of any other exception may hold a path or a
secret: it is written to the worker's log, and the owner gets the exception's type and where to look.

The worker is the cause of what another worker would not meet: its disk, its device, memory in use by others.
Only such an error returns the job to the queue.
"""

import errno
import socket
import ssl
from collections.abc import Mapping

from huggingface_hub.errors import HfHubHTTPError
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from sqlalchemy.exc import SQLAlchemyError

from jobs.lifecycle.events import JobError
from jobs.lifecycle.lifecycle import Claim
from jobs.spec.job import JobSpec
from jobs.states import Cause
from jobs.storage.errors import StoreError
from pruning.errors import InvalidInput, NumericalFailure, PruningError, Unreachable
from pruning.runtime.device import is_device_broken, is_device_out_of_memory, is_out_of_memory
from worker.attempt.resources import (
    DISK_FULL,
    Disk,
    DiskFull,
    causes,
    first_of,
    is_below,
    other_processes_hold_most_memory,
)
from worker.self_test import HUB_CACHE, WORK_DIRECTORY, SelfTestFailed, hub_cache, with_remedy

_ERROR_TYPES: dict[type[Exception], tuple[str, Cause]] = {
    DiskFull: ("disk_full", Cause.WORKER),
    InvalidInput: ("invalid_input", Cause.REQUEST),
    NumericalFailure: ("numerical_failure", Cause.REQUEST),
    Unreachable: ("unreachable", Cause.OUTSIDE),
    PruningError: ("impossible", Cause.REQUEST),
    StoreError: ("store", Cause.OUTSIDE),
}

OUT_OF_MEMORY = "out_of_memory"
"""The type of the error of a job whose worker ran out of memory."""

_PASSING_STATUSES = frozenset({408, 425, 429, *range(500, 600)})

# Of a server that a directory is mounted from. A library that asks the Hub may report the same numbers.
_OF_A_SERVER = frozenset({errno.EHOSTDOWN, errno.ETIMEDOUT})

# What the operating system says where the machine is at fault. What a job can provoke is not among them: a
# missing file, a name that is too long.
_MACHINE_ERRNOS = frozenset(
    {
        *(errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.ENODEV),
        *(errno.ENXIO, errno.ENFILE, errno.EMFILE, errno.ESTALE, errno.ENOTDIR, errno.EUCLEAN),
        errno.ENOTCONN,  # of a file system whose process has died (FUSE)
        *_OF_A_SERVER,
    }
)


def job_error(error: BaseException, claim: Claim, disk: Disk) -> JobError:
    """Return a failed job's error: its type, a message with the remedy, and its cause."""
    full = first_of(error, DISK_FULL)
    if full is not None and (
        isinstance(error, Unreachable) or not isinstance(error, PruningError | StoreError)
    ):
        error = disk.full_by(*full)
    if (
        isinstance(error, Unreachable)
        and not is_of_the_network(error)  # a policy of the machine may forbid to connect by the same numbers
        and first_of(error, _MACHINE_ERRNOS - _OF_A_SERVER) is not None
    ):
        return _unexpected(error, claim, disk)  # the Hub did answer: its cache on this machine failed
    if (missing := next((cause for cause in causes(error) if isinstance(cause, ImportError)), None)) and (
        not isinstance(error, PruningError | StoreError)
    ):
        return _not_importable(missing, claim)
    if isinstance(error, ValidationError) and error.title == JobSpec.__name__:
        return _stored_differently(error.errors()[0])
    return _reportable(error) or _unexpected(error, claim, disk)


def with_upload_names(error: JobError, names: Mapping[str, str]) -> JobError:
    """Return the error with the names that its owner has given to uploads, in place of digests."""
    message = error.message
    for name, own in names.items():
        message = message.replace(name, own)
    return error.model_copy(update={"message": message})


def is_of_the_network(error: BaseException) -> bool:
    """Whether an error, or one that caused it, says that a server did not answer, or could not."""
    for cause in causes(error):
        if isinstance(cause, HfHubHTTPError):
            return cause.response is None or cause.response.status_code in _PASSING_STATUSES
        # Each HTTP library has a class of that name, and its users do not agree on one library.
        is_transport = any(base.__name__ == "TransportError" for base in type(cause).__mro__)
        if is_transport or isinstance(cause, ConnectionError | TimeoutError | socket.gaierror | ssl.SSLError):
            return True
    return False


def _reportable(error: BaseException) -> JobError | None:
    """The error of an exception whose message is for users, or of one that has a remedy."""
    if isinstance(error, SelfTestFailed) or (isinstance(error, InvalidInput) and error.field == "device"):
        return JobError(type="worker", message=f"the worker cannot run jobs: {error}", cause=Cause.WORKER)
    for kind, (name, cause) in _ERROR_TYPES.items():
        if isinstance(error, kind):
            field = error.field if isinstance(error, PruningError) else None
            return JobError(type=name, message=str(error), field=field, cause=cause)
    if is_out_of_memory(error):
        of_others = not is_device_out_of_memory(error) and other_processes_hold_most_memory()
        return JobError(
            type=OUT_OF_MEMORY,
            message="the worker's memory is too small for this job; use a shorter sequence_length, "
            "the dtype bfloat16, or a larger machine",
            cause=Cause.WORKER if of_others else Cause.REQUEST,
        )
    return None


def _unexpected(error: BaseException, claim: Claim, disk: Disk) -> JobError:
    what = f"the worker failed unexpectedly ({type(error).__name__})"
    kind, cause = "internal", Cause.REQUEST
    if isinstance(error, SQLAlchemyError):
        cause = Cause.OUTSIDE
    elif (found := first_of(error, _MACHINE_ERRNOS)) is not None:
        what = f"the worker failed, not the job: {_fault(*found, disk)}"
        kind, cause = "worker", Cause.WORKER
    elif _is_machine_error(error):
        what = f"the worker failed, not the job ({type(error).__name__})"
        kind, cause = "worker", Cause.WORKER
    details = f"in its log under job {claim.job_id}, attempt {claim.attempt}"
    return JobError(type=kind, message=f"{what}; the operator finds the details {details}", cause=cause)


def _not_importable(error: ImportError, claim: Claim) -> JobError:
    """Fail the job: its model chooses what is imported, so it must not count against workers."""
    package = repr(error.name) if error.name else "that its worker cannot import"
    return JobError(
        type="invalid_input",
        message=f"the model {claim.spec.recipe.model.id} needs a Python package {package}, and it is not "
        "installed on the worker or does not load; install it there, or prune a model that does not need it. "
        f"Details are in the worker's log under job {claim.job_id}, attempt {claim.attempt}",
        field="model.id",
        cause=Cause.REQUEST,
    )


def _is_machine_error(error: BaseException) -> bool:
    return any(map(is_device_broken, causes(error)))


def _fault(number: int, error: BaseException, disk: Disk) -> str:
    """Say which part of the machine fails, how, and what to do; no path of it, which is the operator's."""
    filename = error.filename if isinstance(error, OSError) else None
    what = "a file or a device of its machine"
    if disk.holds(filename):
        what = f"its {WORK_DIRECTORY}"
    elif is_below(filename, hub_cache()):
        what = f"its {HUB_CACHE}"
    return f"{what} cannot be used {with_remedy(number)}"


def _stored_differently(found: ErrorDetails) -> JobError:
    """The error of a stored job that this worker does not accept, but the API that has stored it did."""
    return JobError(
        type="invalid_input",
        message="the job is not valid in the version of its worker: update that, install the method there, "
        "or submit the job again",
        field=".".join(map(str, found["loc"])) or None,
        cause=Cause.WORKER,
    )
