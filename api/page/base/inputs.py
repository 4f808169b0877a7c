"""What pages receive: the owner whose jobs are shown, and the fields of HTML forms."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Query, Request
from pydantic import BeforeValidator, model_validator

from api.schemas.base import PageQuery
from api.security.auth import Reader, visible_owner
from jobs.access.api_keys import Principal
from pruning.recipe import Text

# A form sends an empty field for an owner that is not given.
_OwnerField = Annotated[Text | None, BeforeValidator(lambda value: value or None), Query()]


def _owner(request: Request, principal: Reader, owner: _OwnerField = None) -> str:
    return visible_owner(request, principal, owner)


Owner = Annotated[str, Depends(_owner)]


def owner_query(principal: Principal, owner: str) -> str:
    """Return `?owner=…` for a link to a page of another owner; empty for the principal's own."""
    return "" if owner == principal.owner else f"?{urlencode({'owner': owner})}"


def without_empty(sent: dict[str, Any]) -> dict[str, Any]:
    """Drop the fields that were left empty: a form sends the empty string for them."""
    return {name: value for name, value in sent.items() if value not in ("", [""])}


class FilterForm(PageQuery):
    """The filters of a list, as an HTML form sends them."""

    _without_empty = model_validator(mode="before")(without_empty)

    def query_string(self, cursor: str | None = None) -> str:
        """Return the query string of the list with these filters, from its start or from a cursor."""
        filters = self.model_dump(mode="json", exclude={"cursor"}, exclude_defaults=True)
        return urlencode(filters | ({"cursor": cursor} if cursor else {}), doseq=True)
