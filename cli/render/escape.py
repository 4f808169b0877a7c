"""Text from elsewhere, fit for a Markdown page or an XML file (for a terminal: `cli.terminal.clean`)."""

import re

from cli.terminal import clean

# What begins something anywhere in a line of Markdown, HTML or GitHub's extensions: emphasis, code, links,
# tags, cells, mentions, emoji, formulas, and the addresses that become links by themselves.
_MARKDOWN = re.compile(r"[\\`*_\[\]<>|&~#:!@$]|(?<=www)\.", re.IGNORECASE)

# Beyond control characters, which `clean` shows as escapes, no XML file can hold these.
_NOT_IN_XML = {0xFFFE: "\\ufffe", 0xFFFF: "\\uffff"}


def markdown(text: object) -> str:
    """As plain text within a cell of a table."""
    return _MARKDOWN.sub(r"\\\g<0>", " ".join(clean(text).split()))


def xml(text: object) -> str:
    """What a file can hold; its writer escapes the markup."""
    return clean(text).translate(_NOT_IN_XML)
