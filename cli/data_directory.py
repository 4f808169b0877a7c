"""The data directory of `pruneserve up`: the paths that the service and its clients on this machine share."""

import os
from dataclasses import dataclass
from pathlib import Path


def default_data_directory() -> Path:
    """Return `$XDG_DATA_HOME/pruneserve`, by default `~/.local/share/pruneserve`."""
    home = os.environ.get("XDG_DATA_HOME", "")
    # The XDG specification: a relative path in the variable is ignored.
    base = Path(home) if home.startswith("/") else Path.home() / ".local" / "share"
    return base / "pruneserve"


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """All files of one `pruneserve up`, which writes nowhere else."""

    root: Path

    @property
    def lock(self) -> Path:
        """Locked by the running `up`, which writes its process id into it."""
        return self.root / "up.lock"

    @property
    def address(self) -> Path:
        """The base URL of the API, while it is ready."""
        return self.root / "address"

    @property
    def api_key(self) -> Path:
        """The first API key, readable by its user only."""
        return self.root / "api-key"

    @property
    def secret_key(self) -> Path:
        """The key that encrypts secrets in the database, readable by its user only."""
        return self.root / "secret-key"

    @property
    def postgres(self) -> Path:
        """The database, with its log."""
        return self.root / "postgres"

    @property
    def valkey(self) -> Path:
        """The broker's append-only file, with its log."""
        return self.root / "valkey"

    @property
    def store(self) -> Path:
        """The store with the results of jobs."""
        return self.root / "store"

    @property
    def models(self) -> Path:
        """A directory whose models and text files jobs may use, in addition to those of `--root`."""
        return self.root / "models"

    @property
    def work(self) -> Path:
        """The worker's scratch space."""
        return self.root / "work"

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
