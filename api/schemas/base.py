"""The base of requests and pages of lists.

A cursor names the last row of a page. Ids are UUIDs that grow with time, so the next page holds the rows with
smaller ids, and rows that are added meanwhile shift nothing.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, Protocol, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema


class RequestModel(BaseModel):
    """A request body or query.

    An unknown field is an error. The text of an error, which a log may keep, does not quote what was sent.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class JsonBody(RequestModel):
    """A JSON body. A string is never taken for a number or a truth value, as it is in a query.

    JSON has no UUIDs and no enumerations, so fields of these types need `strict=False`.
    """

    model_config = ConfigDict(strict=True)


class _Row(Protocol):
    @property
    def id(self) -> UUID: ...


Item = TypeVar("Item", bound=BaseModel)
Row = TypeVar("Row", bound=_Row)


def encode_cursor(last: UUID) -> str:
    """Return the cursor of the page after the row `last`."""
    return base64.urlsafe_b64encode(last.bytes).decode().rstrip("=")


def decode_cursor(cursor: str) -> UUID:
    """Return the row that a cursor names. Raises ValueError for a string that is not a cursor."""
    try:
        return UUID(bytes=base64.b64decode(cursor + "==", altchars=b"-_", validate=True))
    except (binascii.Error, ValueError) as error:
        raise ValueError("must be the next_cursor of an earlier page") from error


Cursor = Annotated[UUID, BeforeValidator(decode_cursor), WithJsonSchema({"type": "string"})]


class PageQuery(RequestModel):
    """Which page of a list to return. Lists with filters extend it."""

    limit: int = Field(50, ge=1, le=200, description="The most items to return.")
    cursor: Cursor | None = Field(None, description="The `next_cursor` of the previous page.")

    @property
    def rows(self) -> int:
        """How many rows to read: one more than is returned shows whether another page follows."""
        return self.limit + 1


class Page(BaseModel, Generic[Item]):
    """A page of a list, newest first. Each list has a subclass, whose name the OpenAPI document shows."""

    items: list[Item] = Field(description="At most `limit` items.")
    next_cursor: str | None = Field(
        description="Send it as `cursor` to get the next page; null on the last page."
    )

    @classmethod
    def of(
        cls,
        rows: Sequence[Row],
        query: PageQuery,
        item: Callable[[Row], Item],
        **more: Any,  # noqa: ANN401 - the fields that a subclass adds
    ) -> Self:
        """Build the page from `query.rows` rows, each turned into an item by `item`."""
        shown = rows[: query.limit]
        following = encode_cursor(shown[-1].id) if len(rows) > len(shown) else None
        return cls(items=[item(row) for row in shown], next_cursor=following, **more)
