"""Errors of the client in terms of the command line: its options in place of fields, and the next step."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpx

from cli.options.job_options import JOB_OPTIONS
from cli.terminal import clean, err
from pruneserve_client import NotAuthenticated, PruneServeError, Rejected, Unavailable
from pruneserve_client.errors import reason, summary
from pruneserve_client.models import JobDetail

_FIELDS = {option.field: option for option in JOB_OPTIONS}
_FIELDS |= {option.of_domain: option for option in JOB_OPTIONS if option.of_domain}
# Fields of other commands: the name of the parameter, and how it is typed.
_OTHER_FIELDS = {
    "expires_in_days": ("days", "--days"),
    "scopes": ("scope", "--scope"),
    "url": ("address", "the address"),
    "events": ("event", "--event"),
    "format": ("format_name", "--format"),
}
# Where a sweep has a job's fields.
_SWEEP_PARTS = {"job": "", "target": "gate."}

_command: ContextVar[Mapping[str, Any] | None] = ContextVar("what the command was given", default=None)

_WRONG_KEY = (
    "the server does not know this key, or it has expired or was revoked: give another by --key-file, or by "
    "PRUNESERVE_API_KEY with --url or PRUNESERVE_URL; `pruneserve up` prints the path of its own"
)
_NO_SERVER_HINT = (
    "start a service on this machine with `pruneserve up`, or name another by --url or PRUNESERVE_URL"
)


@contextmanager
def command_options(given: Mapping[str, Any]) -> Iterator[None]:
    """While active, `described` speaks of the options of a command. `given`: their values by name."""
    token = _command.set(given)
    try:
        yield
    finally:
        _command.reset(token)


def describe_error(error: PruneServeError) -> str:
    """Return what went wrong, and what to do about it. It may hold the server's own text."""
    match error:
        case NotAuthenticated():
            return _WRONG_KEY
        case Rejected(problem=problem) if problem is not None and problem.errors:
            errors = (f"{option_of_field(it.field)}: {reason(it)}" for it in problem.errors)
            return "\n  ".join([summary(problem), *errors])
        case Unavailable() if isinstance(error.__cause__, httpx.ConnectError):
            return str(error) if (_command.get() or {}).get("url") else f"{error}; {_NO_SERVER_HINT}"
    return str(error)


def print_retry(error: PruneServeError, patience: float) -> None:
    """Say that a request is retried for `patience` seconds, and why."""
    err.print(f"{clean(describe_error(error))}; retrying for up to {patience:.0f} s")


def error_of(job: JobDetail | None) -> str:
    """Return why a job failed, after the option that it is about; empty if it did not. Not yet escaped."""
    if job is None or job.error is None:
        return ""
    field, message = job.error.field, job.error.message
    return f"{option_of_field(field)}: {message}" if field else message


def option_of_field(field: str) -> str:
    """Return what the command that runs calls a field of a request."""
    given = _command.get() or {}
    typed = _option_text(field, given)
    # The recipe may have it instead.
    return f"{typed} ({field})" if typed and given.get("recipe") else typed or field


def _option_text(field: str, given: Mapping[str, Any]) -> str:
    """Return how a field is typed in the command; empty if it has no option for it."""
    part, _, rest = field.partition(".")
    of_job = f"{_SWEEP_PARTS[part]}{rest}" if part in _SWEEP_PARTS else field
    domain = ""
    if found := _OF_DOMAIN.fullmatch(of_job):
        of_job, domain = f"{found[1]}*{found[3]}", found[2]
    for place, below in _parents(of_job):
        # `method` alone is the choice, typed as `--method`; its fields are the method's settings.
        option = (None if below else _FIELDS.get(f"{place}.name")) or _FIELDS.get(place)
        if option is not None and option.variable in given:
            # `method.norm` is typed as `--option norm=l2`, `structure.experts` as `--structure experts=2`.
            name = domain or (below.partition(".")[0] if option.merged else "")
            return f"--{option.name} {name}".rstrip()
    if rest and any(option.field.startswith(f"{part}.") for option in JOB_OPTIONS):
        return ""  # a field that only a recipe has
    inner = rest.partition(".")[0] if part in _SWEEP_PARTS else part
    variable, typed = _OTHER_FIELDS.get(inner, (inner, f"--{inner.replace('_', '-')}"))
    return typed if variable in given else ""


_OF_DOMAIN = re.compile(r"((?:evaluation|gate)\.domains\.)([^.]+)(.*)")


def _parents(field: str) -> Iterator[tuple[str, str]]:
    """Yield the field and its parents, from the inside, each with the rest of the path."""
    parts = field.split(".")
    for count in range(len(parts), 0, -1):
        yield ".".join(parts[:count]), ".".join(parts[count:])
