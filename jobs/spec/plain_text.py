"""Sanitises text from errors and reasons, so that it can be stored, shown and logged."""

import re
from typing import Annotated

from pydantic import AfterValidator

_MAX_LENGTH = 4000

# What PostgreSQL refuses (NUL, lone surrogates) and what moves a terminal's cursor; not line breaks and tabs.
_UNSTORABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def plain(text: str) -> str:
    """Return a text with a replacement character for each control character, cut after 4,000 characters."""
    cut = text if len(text) <= _MAX_LENGTH else text[:_MAX_LENGTH] + " (cut)"
    return _UNSTORABLE.sub("\ufffd", cut)


PlainText = Annotated[str, AfterValidator(plain)]
"""A text that comes from an error or quotes one."""
