"""Ids as users type them: whole, or the first or last digits of one, as git takes those of a commit."""

import re
from collections.abc import Iterable
from itertools import islice
from typing import Annotated, Protocol
from uuid import UUID

import typer

from cli.terminal import CommandFailed, Exit
from pruneserve_client import Client
from pruneserve_client.user_input import quoted

MAX_SEARCHED = 1000
"""How many of the newest ids are searched for the digits of one."""

_MIN_DIGITS = 4
_MIN_FINAL_DIGITS = 8  # for what cannot be undone: no other id ends so by chance
_MAX_LISTED = 4


def id_or_part(text: str) -> str:
    """Return an argument that is an id or a part of one. Raises BadParameter for any other text."""
    if not is_partial_id(text):
        raise typer.BadParameter(
            f"give an id, or at least {_MIN_DIGITS} of its first or last digits, not {quoted(text)}"
        )
    return _digits(text)


def id_or_long_part(text: str) -> str:
    """Return what `id_or_part` does, with digits enough for a command that cannot be undone."""
    if len(_digits(text)) < _MIN_FINAL_DIGITS or not is_partial_id(text):
        raise typer.BadParameter(
            f"this cannot be undone: give an id, or at least {_MIN_FINAL_DIGITS} of its first or last "
            f"digits, not {quoted(text)}"
        )
    return _digits(text)


def is_partial_id(text: str) -> bool:
    """Whether a text could be an id, or enough digits of one."""
    return re.fullmatch(rf"[0-9a-f]{{{_MIN_DIGITS},32}}", _digits(text)) is not None


def _digits(text: str) -> str:
    return text.lower().replace("-", "")


def whole_id(digits: str, of: str, newest: Iterable[UUID]) -> UUID:
    """Return the one id among `newest` that begins or ends with these digits; a whole id as it is.

    `digits` may have the dashes of an id. `of` names the kind of resource in messages, such as `job`. Raises
    CommandFailed if there is not one, and where things older than `newest` may begin with the same digits.
    """
    digits = _digits(digits)
    if len(digits) == 32:
        return UUID(digits)
    searched = list(newest)
    found = [one for one in searched if one.hex.startswith(digits) or one.hex.endswith(digits)]
    # Ids begin with the time: where that of the oldest does so, there may be others of that time.
    if len(searched) >= MAX_SEARCHED and searched[-1].hex.startswith(digits):
        raise CommandFailed(
            f"the ids of {of}s older than the newest {MAX_SEARCHED} may begin with {digits} as well; give "
            "the last digits, or all of it",
            Exit.USAGE,
        )
    if not found:
        raise CommandFailed(
            f"no {of} among the newest {MAX_SEARCHED} has an id that begins or ends with {digits}; give the "
            "whole id",
            Exit.USAGE,
        )
    if len(found) > 1:
        more = ", …" if len(found) > _MAX_LISTED else ""
        named = ", ".join(map(str, found[:_MAX_LISTED]))
        raise CommandFailed(
            f"the ids of {len(found)} {of}s begin or end with {digits}: {named}{more}; give more digits",
            Exit.USAGE,
        )
    return found[0]


class _Item(Protocol):
    id: UUID


def find_id(digits: str, of: str, newest: Iterable[_Item]) -> UUID:
    """Return the id of the one of the newest items that begins or ends with these digits, as `whole_id`."""
    return whole_id(digits, of, (one.id for one in islice(newest, MAX_SEARCHED)))


def argument(of: str, *, final: bool = False) -> typer.models.ArgumentInfo:
    """Return the argument for the id of a job, a sweep, an upload, …

    `final`: of a command that cannot be undone, which takes more digits.
    """
    article = "an" if of[0] in "aeiou" else "a"
    least = _MIN_FINAL_DIGITS if final else _MIN_DIGITS
    info: typer.models.ArgumentInfo = typer.Argument(
        metavar=of.upper(),
        parser=id_or_long_part if final else id_or_part,
        help=f"The id of {article} {of}, or at least {least} of its first or last digits.",
        show_default=False,
    )
    return info


JobId = Annotated[str, argument("job")]
IrreversibleJobId = Annotated[str, argument("job", final=True)]


def find_job(client: Client, digits: str) -> UUID:
    """Return the id of the caller's job that begins or ends with these digits."""
    return find_id(digits, "job", client.jobs(limit=MAX_SEARCHED))


def other_owners_job_id(digits: str) -> UUID:
    """Return the id of another owner's job, which no list has. Raises CommandFailed for a part of it."""
    if len(digits) < 32:
        raise CommandFailed("give the whole id of another owner's job", Exit.USAGE)
    return UUID(digits)
