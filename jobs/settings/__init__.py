"""The settings of the service: a file for each group, and how they are read from the environment."""

from jobs.settings.environment import Settings, settings, variable_of
from jobs.settings.single_sign_on import Role
from jobs.settings.table import as_tables

__all__ = ["Role", "Settings", "as_tables", "settings", "variable_of"]
