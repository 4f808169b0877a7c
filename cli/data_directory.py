"""The data directory of `pruneserve up`: the paths that the service and its clients on this machine share."""

import os
from pathlib import Path


def default_data_directory() -> Path:
    """Return `$XDG_DATA_HOME/pruneserve`, by default `~/.local/share/pruneserve`."""
    home = os.environ.get("XDG_DATA_HOME", "")
    # The XDG specification: a relative path in the variable is ignored.
    base = Path(home) if home.startswith("/") else Path.home() / ".local" / "share"
    return base / "pruneserve"


class DataDirectory:
    """All files of one `pruneserve up`, which writes nowhere else."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lock = root / "up.lock"
        """Locked by the running `up`, which writes its process id into it."""
        self.address = root / "address"
        """The base URL of the API, while it is ready."""
        self.api_key = root / "api-key"
        """The first API key, readable by its user only."""
        self.secret_key = root / "secret-key"
        """The key that encrypts secrets in the database, readable by its user only."""
        self.postgres = root / "postgres"
        """The database, with its log."""
        self.valkey = root / "valkey"
        """The broker's append-only file, with its log."""
        self.store = root / "store"
        """The store with the results of jobs."""
        self.models = root / "models"
        """A directory whose models and text files jobs may use, in addition to those of `--root`."""
        self.work = root / "work"
        """The worker's scratch space."""

    def create(self) -> None:
        """Create the directory, closed to other users: it holds keys and passwords.

        A missing store is not created if the service has run before: its disk may not be mounted, and results
        written to the mount point would be hidden once it is.
        """
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root.chmod(0o700)
        has_run = self.postgres.exists()
        for directory in (self.models, self.work, *([] if has_run else [self.store])):
            directory.mkdir(exist_ok=True)
