"""Lists by cursor, newest first, of whatever has a UUID that grows with time."""

from collections.abc import Sequence
from typing import Annotated, Protocol, TypeVar
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from api.schemas.jobs import decode_cursor, encode_cursor


class _Row(Protocol):
    @property
    def id(self) -> UUID: ...


Row = TypeVar("Row", bound=_Row)


class PageWanted(BaseModel):
    """Which part of a list."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    limit: int = Field(50, ge=1, le=200)
    cursor: Annotated[UUID, BeforeValidator(decode_cursor), WithJsonSchema({"type": "string"})] | None = (
        Field(None, description="The `next_cursor` of the page before.")
    )


def split(rows: Sequence[Row], wanted: PageWanted) -> tuple[Sequence[Row], str | None]:
    """The rows to show and the next page's cursor, of rows read with a limit of one more than is wanted."""
    shown = rows[: wanted.limit]
    return shown, encode_cursor(shown[-1].id) if len(rows) > len(shown) else None
