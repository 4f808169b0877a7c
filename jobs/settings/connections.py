"""Database, broker and store."""

from pydantic import BaseModel, Field, PostgresDsn, RedisDsn, SecretStr, ValidationError, field_validator


class Connections(BaseModel):
    """Database, broker and store."""

    database_url: SecretStr = Field(
        validation_alias="DATABASE_URL", description="`postgresql://user:password@host/name`."
    )
    listen_url: SecretStr | None = Field(
        None,
        validation_alias="DATABASE_LISTEN_URL",
        description="PostgreSQL's own address where `DATABASE_URL` is that of a pooler. API and "
        "schedulers listen there.",
    )
    broker_url: SecretStr | None = Field(
        None,
        validation_alias="BROKER_URL",
        description="`redis://…`, of Valkey or Redis. Schedulers and workers need it.",
    )
    store_url: str = Field(
        validation_alias="STORE_URL",
        description="`file:///directory`, which must exist, or `s3://bucket/prefix`.",
    )

    @field_validator("database_url", "listen_url")
    @classmethod
    def _is_postgres(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _require(PostgresDsn, value, "postgresql://user:password@host/name")
        return value

    @field_validator("broker_url")
    @classmethod
    def _is_redis_protocol(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _require(RedisDsn, value, "redis://:password@host/0")
        return value


def _require(kind: type[PostgresDsn | RedisDsn], value: SecretStr, example: str) -> None:
    try:
        kind(value.get_secret_value())
    except ValidationError as error:
        reason = error.errors(include_input=False)[0]["msg"]
        raise ValueError(f"must be a URL such as {example} ({reason})") from None
