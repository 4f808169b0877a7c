"""Looks at the files of a job while its request waits, for an imperceptible time."""

import logging
from functools import partial

from api.actions.request_checks import field_error
from api.problems.problems import InvalidRequest, ServiceUnavailable
from api.resources import AppResources
from jobs.spec.cuts import Fault
from jobs.spec.job import JobSpec
from jobs.spec.preflight import Places, faults

log = logging.getLogger(__name__)

_SECONDS = 0.05


def check(resources: AppResources, owner: str, spec: JobSpec) -> bool:
    """Return whether the job's files could be looked at in time. Raises InvalidRequest for what is wrong.

    What takes longer, because a disk is slow, the scheduler does before the job is dispatched.
    """
    places = Places.of(resources.settings, owner)
    try:
        looking = resources.disk.start(owner, partial(_faults, spec, places))
        found = looking.result(timeout=_SECONDS)
    except (ServiceUnavailable, TimeoutError):
        return False
    if found:
        raise InvalidRequest(*map(field_error, found))
    return True


def _faults(spec: JobSpec, places: Places) -> list[Fault]:
    try:
        return list(faults(spec, places))
    except Exception as error:  # what a file can do to its reader, the worker says
        log.warning("a job's files cannot be checked (%s)", type(error).__name__)
        return []
