"""The settings of a process, from environment variables and files of secrets."""

import os
from functools import lru_cache
from typing import Any, Self

from pydantic import ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from jobs.secret_files import SECRETS, WrongSettings, file_variable, missing, read_secret
from jobs.settings.groups import Fields


class Settings(Fields, BaseSettings):
    """The settings of every process of the service.

    Its fields are the only definition. `tools.settings_tables` prints the tables in
    docs/configuration.md from them; a test compares them, docker-compose.yml and .env.example.
    An empty variable counts as unset. A secret is read from the file that `<variable>_FILE` names, see
    `jobs.secret_files`.
    """

    model_config = SettingsConfigDict(
        env_prefix="PRUNESERVE_", env_ignore_empty=True, frozen=True, hide_input_in_errors=True
    )

    @model_validator(mode="after")
    def _sign_in_is_whole(self) -> Self:
        """Refuse an identity provider without what a sign-in with it needs."""
        needed = {
            "PRUNESERVE_OIDC_CLIENT_ID": self.oidc_client_id,
            "PRUNESERVE_OIDC_GROUPS": self.oidc_groups,
            "PRUNESERVE_PUBLIC_URL": self.public_url,
        }
        unset = [variable for variable, value in needed.items() if not value]
        if self.oidc_issuer and unset:
            raise ValueError(f"{unset[0]} is not set: PRUNESERVE_OIDC_ISSUER needs it")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read secrets from their files, and everything else from the environment."""
        return init_settings, _SecretFiles(settings_cls), env_settings


class _SecretFiles(PydanticBaseSettingsSource):
    """Reads the settings that are secrets."""

    def __call__(self) -> dict[str, Any]:
        found = (self.get_field_value(field, name) for name, field in self.settings_cls.model_fields.items())
        return {key: value for value, key, _ in found if value is not None}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the value, the key that the model knows it by, and that it is not JSON."""
        variable = variable_of(field_name)
        key = field_name if field.validation_alias is None else variable
        return read_secret(variable) if variable in SECRETS else None, key, False


@lru_cache
def settings() -> Settings:
    """The settings of this process, read once. Raises `WrongSettings`."""
    return read_settings()


def read_settings(**given: str) -> Settings:
    """Read the settings that are not given. Raises `WrongSettings`, a line for each wrong variable."""
    try:
        return Settings(**given)  # type: ignore[arg-type] # it parses what the environment has
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False, include_input=False)
        lines = (_explained(it["loc"], it["type"], it["msg"]) for it in wrong)
        raise WrongSettings("\n".join(lines)) from None


def variable_of(name: str) -> str:
    """Return the environment variable that a field of `Settings` is read from."""
    alias = Settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else f"{Settings.model_config['env_prefix']}{name.upper()}"


def _explained(place: tuple[int | str, ...], kind: str, message: str) -> str:
    if not place:  # of settings that do not go together, which it names itself
        return message.removeprefix("Value error, ")
    key = str(place[0])
    variable = variable_of(key) if key in Settings.model_fields else key
    if variable in SECRETS:
        if kind == "missing":
            return missing(variable, "postgresql://user:password@host/name")
        file = os.environ.get(file_variable(variable))
        return f"{file_variable(variable)}: {file}: {message}" if file else f"{variable}: {message}"
    return f"{variable} is not set" if kind == "missing" else f"{variable}: {message}"
