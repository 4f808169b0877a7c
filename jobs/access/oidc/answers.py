"""What asking an identity provider comes to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is. `issuer` and `subject` together never change; the name may, and is only shown."""

    issuer: str
    subject: str
    name: str
    groups: tuple[str, ...] | None
    """None where the provider has said nothing of groups."""
    refresh_token: str | None = None
    """With which the provider can be asked again without the person."""


class ProviderUnavailable(Exception):
    """The provider does not answer, or not as one does. It may later."""

    refresh_token: str | None = None
    """What it had sent before it failed: it may have taken back the one that it was asked with."""


class Refused(Exception):
    """The provider has refused a code or a refresh token, or says nothing more of whoever it is of."""


class Untrusted(Exception):
    """An ID token is not one that this provider has made for this service now. The message says why."""
