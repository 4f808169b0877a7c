"""Log lines that cannot be forged: whatever a message quotes, it stays one line of printable characters."""

import copy
import logging
import re

from jobs.monitoring.figures import Part
from jobs.monitoring.logs import write_json
from jobs.settings import settings

# Control characters, which move a terminal's cursor; marks that turn a text around; lone surrogates.
_UNFIT = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def escaped(text: str) -> str:
    r"""Return a text on one line, with an escape such as `\x1b` in place of each unprintable character."""
    return _UNFIT.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode(), text)


class OneLine(logging.Formatter):
    """Formats like another formatter, with messages escaped and the lines of a traceback indented."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self._formatter = formatter

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record, and the lines of its traceback."""
        shown = copy.copy(record)
        shown.msg, shown.args = escaped(record.getMessage()), None
        shown.exc_info = shown.exc_text = shown.stack_info = None
        line = self._formatter.format(shown)
        if record.exc_info:
            trace = self._formatter.formatException(record.exc_info).splitlines()
            line = "\n".join([line, *(f"  {escaped(traced)}" for traced in trace)])
        return line


def set_up(logger: logging.Logger, part: Part) -> None:
    """Let all handlers of a logger write lines that cannot be forged: of text, or of JSON."""
    if settings().log == "json":
        write_json(part, logger)
    else:
        escape(logger)


def escape(logger: logging.Logger) -> None:
    """Let all handlers of a logger escape what they write."""
    for handler in logger.handlers:
        if not isinstance(handler.formatter, OneLine):
            handler.setFormatter(OneLine(handler.formatter or logging.Formatter()))
