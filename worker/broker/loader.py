"""How Celery imports the modules that its configuration names."""

import importlib
from collections.abc import Callable
from types import ModuleType

from celery.loaders.app import AppLoader


class Loader(AppLoader):  # type: ignore[misc] # Celery has no types
    """Imports them as any module: Celery's own loader would look into the working directory first."""

    def import_from_cwd(
        self, module: str, imp: Callable[..., ModuleType] | None = None, package: str | None = None
    ) -> ModuleType:
        """Import a module from the path."""
        return (imp or importlib.import_module)(module, package=package)
