"""Where webhooks may go, and for how long they are tried."""

from cryptography.fernet import Fernet
from pydantic import BaseModel, Field, SecretStr, field_validator

from jobs.settings.lists import ByColons, ByCommas


class Webhooks(BaseModel):
    """Where webhooks may go, and for how long they are tried."""

    secret_keys: ByColons[SecretStr] = Field(
        (),
        description="Fernet keys that encrypt secrets in the database, separated by `:`. The first encrypts, "
        "any of them decrypts. Webhooks need one.",
    )
    webhook_allow: ByCommas[str] = Field(
        (),
        description="Host names and networks (CIDR), separated by `,`, that webhooks may reach although they "
        "are not public, and over plain http.",
    )
    webhook_disable_days: float = Field(
        5.0, gt=0, description="Days without a successful delivery after which an endpoint is disabled."
    )
    webhook_delivery_days: float = Field(
        30.0, gt=0, description="Days for which deliveries to an endpoint are kept."
    )

    @field_validator("secret_keys")
    @classmethod
    def _are_fernet_keys(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for key in value:
            Fernet(key.get_secret_value())
        return value
