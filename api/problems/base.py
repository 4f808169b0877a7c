"""RFC 9457 problem documents: the base class of all problems, and their place in the OpenAPI document."""

import json
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar, Self

from fastapi import HTTPException, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"

Responses = dict[int | str, dict[str, Any]]

_MAX_SHOWN = 80
# Fields whose values grant access. A webhook's address is one: a client that knows Slack's can post there.
_SECRET = re.compile(r"(^|\.)(url|key|token|secret|password|code)$")


class FieldError(BaseModel):
    """A field of the request that cannot be accepted."""

    field: str = Field(examples=["sparsity"], description="Dotted path in the body, or a parameter's name.")
    message: str = Field(examples=["must be less than 1"], description="What is wrong with its value.")
    value: str | None = Field(
        None,
        examples=["1.5"],
        description="The value that was sent, for display: as JSON, of a long text the beginning, of a list "
        "the number of its items. Left out where there is none, for objects, and for what is secret.",
    )

    @classmethod
    def of(cls, field: str, message: str, value: object) -> Self:
        """Return the error of a field that was sent with `value`."""
        return cls(field=field, message=message, value=None if _SECRET.search(field) else _shown(value))

    @property
    def reason(self) -> str:
        """What is wrong, with the value if it may be shown: `must be less than 1; got 1.5`."""
        return f"{self.message}; got {self.value}" if self.value is not None else self.message


def _shown(value: object) -> str | None:
    """Return a value on one line of at most about 80 characters, without any that is not printed."""
    match value:
        case bool() | float() | None:
            return json.dumps(value)
        case int():
            # Python refuses to write thousands of digits.
            return str(value) if abs(value) < 10**_MAX_SHOWN else f"a number of more than {_MAX_SHOWN} digits"
        case str():
            shown = "".join(map(_visible, json.dumps(value[:_MAX_SHOWN], ensure_ascii=False)))
            if len(value) <= _MAX_SHOWN and len(shown) <= _MAX_SHOWN + 2:
                return shown
            return f'{shown[:_MAX_SHOWN]}…" ({len(value)} characters)'
        case list():
            return f"a list of {len(value)} item{'' if len(value) == 1 else 's'}"
        case _:
            return None


def _visible(character: str) -> str:
    """Escape as JSON does what would move a cursor or reverse text."""
    return character if character.isprintable() else json.dumps(character)[1:-1]


class ProblemDocument(BaseModel):
    """An RFC 9457 problem document. `type` is stable: programs may branch on it."""

    type: str = Field(
        examples=["urn:pruneserve:problem:invalid-request"], description="Which kind of problem this is."
    )
    title: str = Field(description="The kind of problem in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong with this request, and what to do about it.")
    errors: list[FieldError] | None = Field(None, description="Each field that cannot be accepted.")


class Problem(HTTPException):
    """A refused request. Subclasses set the status, a stable slug, and advice on what to do."""

    status: ClassVar[HTTPStatus]
    slug: ClassVar[str]
    title: ClassVar[str]
    """The words of the slug, unless the subclass has others."""
    advice: ClassVar[str]

    def __init_subclass__(cls) -> None:
        cls.title = cls.__dict__.get("title", cls.slug.replace("-", " ").capitalize())

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`detail` replaces the advice of the class."""
        super().__init__(self.status, detail or self.advice, headers=dict(headers or {}))
        self.errors = list(errors) if errors else None

    def document(self) -> ProblemDocument:
        """Return the body of the response."""
        return ProblemDocument(
            type=f"urn:pruneserve:problem:{self.slug}",
            title=self.title,
            status=self.status,
            detail=self.detail,
            errors=self.errors,
        )

    def response(self) -> Response:
        """Return the response."""
        body = self.document().model_dump(exclude_none=True)
        return JSONResponse(body, self.status, headers=self.headers, media_type=MEDIA_TYPE)


def documented(*problems: type[Problem]) -> Responses:
    """Return OpenAPI's `responses` for the problems of a route."""
    schema = {"$ref": "#/components/schemas/ProblemDocument"}
    by_status: Responses = {}
    for problem in problems:
        response = by_status.setdefault(
            int(problem.status), {"content": {MEDIA_TYPE: {"schema": schema, "examples": {}}}}
        )
        response["description"] = " · ".join(filter(None, [response.get("description"), problem.title]))
        response["content"][MEDIA_TYPE]["examples"][problem.slug] = {
            "value": {
                "type": f"urn:pruneserve:problem:{problem.slug}",
                "title": problem.title,
                "status": int(problem.status),
                "detail": problem.advice,
            }
        }
    return by_status
