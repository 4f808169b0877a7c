"""The tables of all settings in docs/configuration.md, printed by `python -m tools.settings_tables`."""

from collections.abc import Iterable
from pathlib import Path

from pydantic.fields import FieldInfo

from jobs.secret_files import SECRETS, file_variable
from jobs.settings import Settings, variable_of

ESSENTIAL = (
    "database_url",
    "broker_url",
    "store_url",
    "secret_keys",
    "public_url",
    "allowed_hosts",
    "trusted_proxies",
    "model_roots",
    "data_roots",
    "hub_token",
    "hub_token_owners",
    "work_dir",
    "device",
    "queues",
    "oidc_issuer",
    "oidc_client_id",
    "oidc_client_secret",
    "oidc_groups",
    "quota_bytes",
    "job_retention_days",
)
"""What an operator decides at the installation, in the order of the first table."""


def as_tables() -> str:
    """Return the table of the essential settings, and the table of all others."""
    others = (name for name in Settings.model_fields if name not in ESSENTIAL)
    return f"{_table(ESSENTIAL)}\n{_table(others)}"


def _table(names: Iterable[str]) -> str:
    rows = ["| variable | meaning | default |", "| --- | --- | --- |"]
    for name in names:
        field = Settings.model_fields[name]
        meaning = (field.description or "").replace("|", r"\|")
        rows.append(f"| `{variable_of(name)}`{_secret(variable_of(name))} | {meaning} | {_default(field)} |")
    return "\n".join(rows) + "\n"


def _secret(variable: str) -> str:
    return f" or `{file_variable(variable)}`" if variable in SECRETS else ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if value in (None, (), {}):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`{','.join(value)}`"
    return f"`{value}`" if isinstance(value, str | Path) else f"{value:.15g}"


if __name__ == "__main__":
    print(as_tables(), end="")
