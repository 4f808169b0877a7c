"""One line of JSON lines, which has a text. Without torch: the API checks uploads by it."""

import json


class NotText(Exception):
    """A line cannot be used; the message says why, after the line's number and a colon."""


def text_of_line(line: bytes) -> str | None:
    """Return the text of a line, or None for a blank one. Raises NotText, and UnicodeDecodeError."""
    if not line or line.isspace():
        return None
    try:
        record = json.loads(line)
    except UnicodeDecodeError:
        raise
    except (ValueError, RecursionError) as error:
        raise NotText("not a JSON value") from error
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        raise NotText("not an object with a string field 'text'")
    text: str = record["text"]
    try:
        text.encode()
    except UnicodeEncodeError as error:  # JSON can spell it, and tokenizers refuse it
        raise NotText("the text has a lone surrogate") from error
    return text
