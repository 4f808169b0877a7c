"""The cookie by which a browser that comes back from the identity provider is known as the one that has gone.

It is encrypted with the operator's keys and says since when it is there: nobody can make one up, or go on
with one that is older than a browser would keep it.
"""

from fastapi import Request, Response

from jobs.access.oidc import Attempt
from jobs.settings import Settings
from jobs.webhooks.encryption import SecretBox, Unreadable

SECONDS = 600
_PURPOSE = "sign-in"  # the same keys encrypt other things


def put(response: Response, settings: Settings, attempt: Attempt, target: str) -> None:
    """Give the browser the attempt that it begins, and the page that it wants to see afterwards."""
    content = SecretBox(settings.secret_keys).encrypt(f"{_PURPOSE} {attempt.seed} {target}".encode())
    response.set_cookie(
        _name(settings),
        content.decode(),
        max_age=SECONDS,
        httponly=True,
        samesite="lax",  # it must come with the way back, which begins on another site
        secure=_is_secure(settings),
    )


def read(request: Request, settings: Settings) -> tuple[Attempt, str] | None:
    """Return what `put` gave the browser; None without it, or if it is too old or not this service's."""
    sent = request.cookies.get(_name(settings), "").encode("utf-8", "replace")
    try:
        content = SecretBox(settings.secret_keys).decrypt(sent, max_age=SECONDS).decode("utf-8", "replace")
    except Unreadable:
        return None
    purpose, _, begun = content.partition(" ")
    seed, _, target = begun.partition(" ")
    return (Attempt(seed), target) if purpose == _PURPOSE else None


def delete(response: Response, settings: Settings) -> None:
    """Take it away: it is good for one way back."""
    response.delete_cookie(_name(settings), httponly=True, samesite="lax", secure=_is_secure(settings))


def _name(settings: Settings) -> str:
    """Return the cookie's name. With this prefix no other host of the domain can set it."""
    return f"{'__Host-' if _is_secure(settings) else ''}pruneserve_sign_in"


def _is_secure(settings: Settings) -> bool:
    return (settings.public_url or "").startswith("https:")
