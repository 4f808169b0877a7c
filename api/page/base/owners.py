"""Whose jobs a page shows: one's own, or with the scope `admin` those of a named owner."""

from typing import Annotated

from fastapi import Depends, Query, Request
from pydantic import BeforeValidator

from api.security.auth import Reader
from api.security.owners import visible_owner
from pruning.recipe import Text

# A form sends an empty field for an owner that is not given.
_Named = Annotated[Text | None, BeforeValidator(lambda value: value or None), Query()]


def _owner(request: Request, principal: Reader, owner: _Named = None) -> str:
    return visible_owner(request, principal, owner)


Owner = Annotated[str, Depends(_owner)]
