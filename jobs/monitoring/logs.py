"""Logs: lines of JSON (`PRUNESERVE_LOG_FORMAT=json`) without secrets, or lines of text that cannot be forged.

Every message of the service and of its libraries goes through the handlers of the standard library. For JSON
their formatter is structlog's, with a few steps of our own, which name what a line is about and hide secrets.
For text it escapes whatever a message quotes, so that a message stays one line of printable characters.
"""

import copy
import logging
import re
import sys
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Self

import structlog
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from jobs.monitoring import traces
from jobs.monitoring.metrics import Component
from jobs.secret_files import SECRETS, WrongSettings, read_secret
from jobs.settings import settings

_Entry = MutableMapping[str, Any]

_REDACTED = "(secret)"
_MIN_SECRET_LENGTH = 6
_MAX_CHARACTERS = 2**15  # of a message or a traceback, which may quote what an owner's file says
# Secrets by their form: keys of the API and of webhooks, tokens of the Hub and in headers, users and
# passwords in URLs. Where a `?` or `#` comes before the `@`, what follows is hidden: it may be a password.
_SECRET_PATTERNS = re.compile(
    r"\bps_[A-Za-z0-9]+_[A-Za-z0-9]{16,}|\b(?:whsec|hf)_[A-Za-z0-9+/=-]{16,}"
    r"|(?i:(?<=bearer )|(?<=basic ))[A-Za-z0-9._~+/=-]{8,}"
    r"|(?<=://)[^\s/?#]+(?=@)"
    r"|(?<=://)[^\s/@:]*:[^\s/@]+@\S*"
)
# A signed URL is a secret by what follows the path. urllib3 names the path alone, as `with url: /path?query`.
_QUERY = re.compile(r"""((?:://|\burl: /)[^\s"<>?#]*)([?#][^\s"<>]+)?""")
_JOB = re.compile(r"job %s: (attempt %d)?")
_ACCESS_LOG_FIELDS = ("client", "method", "path", "version", "status")

# What this process is working on, for the lines of all its threads.
_context: dict[str, object] = {}

# Control characters, which move a terminal's cursor; marks that turn a text around; lone surrogates.
_UNPRINTABLE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@contextmanager
def log_context(**fields: object) -> Iterator[None]:
    """Name these fields in every line of this process while the body runs. Calls are not nested."""
    _context.update(fields)
    try:
        yield
    finally:
        for name in fields:
            _context.pop(name, None)


def new_request(request_id: str) -> None:
    """Name this request, and nothing of the one before, in the lines that follow in this task."""
    structlog.contextvars.clear_contextvars()
    bind_request(request=request_id)


def bind_request(**fields: object) -> None:
    """Name these fields as well in the lines about the request that is being answered here."""
    structlog.contextvars.bind_contextvars(**fields)


def configure(part: Component, logger: logging.Logger | None = None) -> None:
    """Let all handlers of a logger, by default the root, write as the settings say: lines of JSON or of text.

    The time of a line of text is `2026-12-01 14:03:59,123Z`, whatever the zone is here.
    """
    logger = logging.getLogger() if logger is None else logger
    logging.Formatter.converter = time.gmtime
    logging.Formatter.default_msec_format = "%s,%03dZ"
    if settings().log_format == "json":
        logging.captureWarnings(True)
        write_json(part, logger)
    else:
        escape_messages(logger)


def _json_formatter(part: Component) -> logging.Formatter:
    """Return the formatter of a part's log. It reads the secrets that it will hide."""
    hide = SecretRedactor.for_this_process()

    def named(_logger: object, _method: str, entry: _Entry) -> _Entry:
        entry["part"] = part.value
        return entry

    return structlog.stdlib.ProcessorFormatter(
        pass_foreign_args=True,
        foreign_pre_chain=[_from_record, named, structlog.contextvars.merge_contextvars, _add_process_fields],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            hide,
            _cut_long_texts,
            structlog.processors.JSONRenderer(default=str),
        ],
    )


def write_json(part: Component, *loggers: logging.Logger) -> None:
    """Let the handlers of these loggers write lines of JSON; the root logger gets one if it has none."""
    formatter = _json_formatter(part)
    for logger in loggers:
        if logger.parent is None and not logger.handlers:
            logger.addHandler(logging.StreamHandler(sys.stderr))
        for handler in logger.handlers:
            handler.setFormatter(formatter)


def _from_record(_logger: object, _method: str, entry: _Entry) -> _Entry:
    """Add the fields of the record: time, level, logger, and the job that the message begins with."""
    record: logging.LogRecord = entry["_record"]
    arguments = entry.pop("positional_args", ())
    fields: dict[str, Any] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": entry.pop("event"),
    }
    if isinstance(record.msg, str) and isinstance(arguments, tuple) and (job := _JOB.match(record.msg)):
        fields["job"] = str(arguments[0])
        if job[1] and len(arguments) > 1:
            fields["attempt"] = arguments[1]
    if record.name == "uvicorn.access" and len(arguments) == len(_ACCESS_LOG_FIELDS):
        fields |= dict(zip(_ACCESS_LOG_FIELDS, arguments, strict=True))
    return {**fields, **entry}


def _add_process_fields(_logger: object, _method: str, entry: _Entry) -> _Entry:
    place = traces.traceparent()
    traced = {} if place is None else {"trace": place.split("-")[1]}
    known = {name: value for name, value in {**_context, **traced}.items() if name not in entry}
    return {**entry, **known}


def _cut_long_texts(_logger: object, _method: str, entry: _Entry) -> _Entry:
    """Cut long values. Secrets are hidden before: what is left of one that was cut has no known form."""
    return {name: _cut(value) if isinstance(value, str) else value for name, value in entry.items()}


def _cut(text: str) -> str:
    """Return a text, of a long one its beginning and its end."""
    half = _MAX_CHARACTERS // 2
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:half]} (cut) {text[-half:]}"


class SecretRedactor:
    """Removes secrets from texts."""

    @classmethod
    def for_this_process(cls) -> Self:
        """Return one that redacts the secrets of this process, in addition to those with a known form."""
        return cls(_known_secrets())

    def __init__(self, secrets: frozenset[str]) -> None:
        longest_first = sorted(secrets, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if secrets else None

    def __call__(self, _logger: object, _method: str, entry: _Entry) -> _Entry:
        """Return an entry of the log without secrets in its values."""
        return {name: self._redacted(value) for name, value in entry.items()}

    def _redacted(self, value: object) -> object:
        if isinstance(value, bool | int | float) or value is None:
            return value
        return self.redact(str(value))

    def redact(self, text: str) -> str:
        """Return a text with a word in place of each secret, and of what follows the path of each URL."""
        if self._known is not None:
            text = self._known.sub(_REDACTED, text)
        return _QUERY.sub(_without_query, _SECRET_PATTERNS.sub(_REDACTED, text))


def _without_query(url: re.Match[str]) -> str:
    return url[1] if url[2] is None else f"{url[1]}{url[2][0]}{_REDACTED}"


def _known_secrets() -> frozenset[str]:
    """Return the secrets of this process, with the passwords that are part of a URL."""
    found = set()
    for variable in SECRETS:
        try:
            secret = read_secret(variable)
        except WrongSettings:  # a file that is gone since this process has read it
            continue
        if secret is None:
            continue
        found.add(secret)
        if "://" in secret:
            try:
                found.add(make_url(secret).password or "")
            except ArgumentError:
                continue
        else:
            found.update(secret.split(":"))
    return frozenset(secret for secret in found if len(secret) >= _MIN_SECRET_LENGTH)


def escaped(text: str) -> str:
    r"""Return a text on one line, with an escape such as `\x1b` in place of each unprintable character."""
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode(), text)


class EscapingFormatter(logging.Formatter):
    """Formats like another formatter, with messages escaped and the lines of a traceback indented."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self._formatter = formatter

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record, and the lines of its traceback."""
        shown = copy.copy(record)
        shown.msg, shown.args = escaped(_cut(record.getMessage())), None
        shown.exc_info = shown.exc_text = shown.stack_info = None
        line = self._formatter.format(shown)
        if record.exc_info:
            trace = _cut(self._formatter.formatException(record.exc_info)).splitlines()
            line = "\n".join([line, *(f"  {escaped(traced)}" for traced in trace)])
        return line


def escape_messages(logger: logging.Logger) -> None:
    """Let all handlers of a logger escape what they write."""
    for handler in logger.handlers:
        if not isinstance(handler.formatter, EscapingFormatter):
            handler.setFormatter(EscapingFormatter(handler.formatter or logging.Formatter()))
