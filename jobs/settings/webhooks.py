"""Where webhooks may go, and the keys of secrets in the database."""

from cryptography.fernet import Fernet
from pydantic import BaseModel, Field, SecretStr, field_validator

from jobs.settings.lists import ByColons, ByCommas


class Webhooks(BaseModel):
    """Where webhooks may go, and the keys of secrets in the database."""

    secret_keys: ByColons[SecretStr] = Field(
        (),
        description="Fernet keys that encrypt secrets in the database, separated by `:`. The first "
        "encrypts, any of them decrypts. Webhooks need one.",
    )
    webhook_allow: ByCommas[str] = Field(
        (),
        description="Host names and networks (CIDR), separated by `,`, that webhooks may reach although "
        "they are private, and over plain http.",
    )

    @field_validator("secret_keys")
    @classmethod
    def _are_fernet_keys(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for key in value:
            Fernet(key.get_secret_value())
        return value
