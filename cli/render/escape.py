"""Escape untrusted text for Markdown and XML (for a terminal: `cli.terminal.clean`)."""

import re

from cli.terminal import clean

# What begins markup anywhere in a line of Markdown, HTML or GitHub's extensions: emphasis, code, links, tags,
# cells, mentions, emoji, formulas, and addresses that become links by themselves.
_MARKDOWN = re.compile(r"[\\`*_\[\]<>|&~#:!@$]|(?<=www)\.", re.IGNORECASE)

# Besides control characters, which `clean` shows as escapes, XML files cannot hold these.
_NOT_IN_XML = {0xFFFE: "\\ufffe", 0xFFFF: "\\uffff"}


def markdown(text: object) -> str:
    """Return the text for one cell of a Markdown table, without any markup of its own."""
    return _MARKDOWN.sub(r"\\\g<0>", " ".join(clean(text).split()))


def xml(text: object) -> str:
    """Return the text without characters that XML forbids. The XML writer escapes the markup."""
    return clean(text).translate(_NOT_IN_XML)
