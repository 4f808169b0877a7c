"""One line of JSON lines, which has a text or a conversation. Without torch: the API checks uploads by it."""

import json
from typing import Any

ASSISTANT = "assistant"
"""The role of the messages that are answers."""

_TWO_FORMS = (
    "neither an object with string fields 'prompt' and 'answer', nor one with 'messages', each with string "
    "fields 'role' and 'content', and one of them of the 'assistant'"
)


class NotText(Exception):
    """A line cannot be used; the message says why, after the line's number and a colon."""


def text_of_line(line: bytes) -> str | None:
    """Return the text of a line, or None for a blank one. Raises NotText, and UnicodeDecodeError."""
    if not line or line.isspace():
        return None
    record = _record(line)
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        raise NotText("not an object with a string field 'text'")
    text: str = record["text"]
    if not _is_text(text):
        raise NotText("the text has a lone surrogate")
    return text


def conversation_of_line(line: bytes) -> str | None:
    """Return the messages of a line as JSON: a list of objects with `role` and `content`. None: it is blank.

    A line holds them as `messages`, or a single question as `prompt` and `answer`. Raises NotText, and
    UnicodeDecodeError.
    """
    if not line or line.isspace():
        return None
    record = _record(line)
    messages = _messages(record) if isinstance(record, dict) else None
    if not isinstance(messages, list) or not all(map(_is_message, messages)):
        raise NotText(_TWO_FORMS)
    if not any(message["role"] == ASSISTANT for message in messages):
        raise NotText(_TWO_FORMS)
    return json.dumps([{"role": message["role"], "content": message["content"]} for message in messages])


def check_line(line: bytes) -> None:
    """Raise NotText for a line with neither a text nor a conversation, and UnicodeDecodeError."""
    try:
        text_of_line(line)
    except NotText:
        if not _is_conversation(line):
            raise


def _is_conversation(line: bytes) -> bool:
    try:
        conversation_of_line(line)
    except NotText:
        return False
    return True


def _record(line: bytes) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(line)
    except UnicodeDecodeError:
        raise
    except (ValueError, RecursionError) as error:
        raise NotText("not a JSON value") from error


def _messages(record: dict[str, Any]) -> object:
    if "messages" in record:
        return record["messages"]
    asked = {"role": "user", "content": record.get("prompt")}
    return [asked, {"role": ASSISTANT, "content": record.get("answer")}]


def _is_message(message: object) -> bool:
    return isinstance(message, dict) and all(_is_text(message.get(key)) for key in ("role", "content"))


def _is_text(value: object) -> bool:
    """Whether it is a string without lone surrogates, which JSON can spell and tokenizers refuse."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
