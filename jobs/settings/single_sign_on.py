"""The identity provider, and who may sign in with it."""

import json
import re
from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

Role = Literal["reader", "writer", "admin"]

_ISSUER = re.compile(
    r"https://[^\s?#@/]+(/[^\s?#@]*)?|http://(localhost|127\.0\.0\.1)(:[0-9]{1,5})?(/[^\s?#@]*)?"
)
_GRANT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._@-]{0,63}):(reader|writer|admin)")


class SingleSignOn(BaseModel):
    """The identity provider, and who may sign in with it."""

    oidc_issuer: str | None = Field(
        None,
        description="The identity provider (OpenID Connect) with which users may sign in to the page: its "
        "issuer, such as `https://login.example.org/realms/team`, letter by letter as its discovery document "
        "says. Nobody signs in so when unset.",
    )
    oidc_client_id: str | None = Field(
        None, description="The client id with which this service is registered at the provider."
    )
    oidc_client_secret: SecretStr | None = Field(
        None, description="The secret of that client; none for a public client. PKCE is used in both cases."
    )
    oidc_scopes: str = Field(
        "openid profile email",
        pattern=r"^openid( [!#-\[\]-~]+)*$",
        description="The scopes to request, separated by blanks. Add the one that the provider needs to send "
        "groups.",
    )
    oidc_groups_claim: str = Field(
        "groups", min_length=1, description="The claim of the ID token, or of userinfo, that lists groups."
    )
    oidc_groups: Annotated[dict[str, tuple[str, Role]], NoDecode] = Field(
        {},
        description="The groups that may sign in, as JSON: for each an owner and the role `reader`, `writer` "
        'or `admin`, such as `{"llm-team": "llm:writer", "sre": "platform:admin"}`.',
    )

    @field_validator("oidc_issuer")
    @classmethod
    def _is_issuer(cls, value: str | None) -> str | None:
        if value is not None and not _ISSUER.fullmatch(value):
            raise ValueError(
                "must be an address like https://login.example.org/realms/team, on this machine also by http"
            )
        return value

    @field_validator("oidc_groups", mode="before")
    @classmethod
    def _are_grants(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            groups = json.loads(value)
        except ValueError as error:
            raise ValueError(f'must be JSON such as {{"llm-team": "llm:writer"}} ({error})') from None
        if not isinstance(groups, dict):
            raise ValueError('must be an object such as {"llm-team": "llm:writer"}')
        return {group: _grant(group, value) for group, value in groups.items()}


def _grant(group: str, value: object) -> tuple[str, str]:
    found = _GRANT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(
            f"group '{group}': must be an owner and a role (reader, writer or admin), such as llm:writer"
        )
    return found[1], found[2]
