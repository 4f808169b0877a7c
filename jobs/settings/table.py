"""All settings as the Markdown table of docs/operations.md."""

from pathlib import Path

from pydantic.fields import FieldInfo

from jobs.secret_files import SECRETS, file_variable
from jobs.settings.environment import Settings, variable_of


def as_table() -> str:
    """Return the table, group after group."""
    rows = ["| variable | meaning | default |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        meaning = (field.description or "").replace("|", r"\|")
        variable = variable_of(name)
        names = f"`{variable}` or `{file_variable(variable)}`" if variable in SECRETS else f"`{variable}`"
        rows.append(f"| {names} | {meaning} | {_default(field)} |")
    return "\n".join(rows) + "\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if value in (None, (), {}):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        separator = "," if any(":" in part for part in value) else ":"
        return f"`{separator.join(value)}`"
    return f"`{value}`" if isinstance(value, str | Path) else f"{value:.15g}"
