"""The settings of the service, and how they are read from the environment."""

from jobs.settings.environment import Settings, read_settings, settings, variable_of
from jobs.settings.values import Role

__all__ = ["Role", "Settings", "read_settings", "settings", "variable_of"]
