"""Requests that may be repeated: the `Idempotency-Key`, and the body that it stands for."""

from typing import Annotated

from fastapi import Depends, Header, Request

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern=r"^[!-~]+$",
        description="Makes a repeated request safe: the same key and body return what the first one made.",
    ),
]


async def _body_as_sent(request: Request) -> bytes:
    return await request.body()


BodyAsSent = Annotated[bytes, Depends(_body_as_sent)]
