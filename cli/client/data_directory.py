"""The directory of a local `pruneserve up`: what lies where, for the stack and for those who look for it."""

import os
from dataclasses import dataclass
from pathlib import Path


def default_data_directory() -> Path:
    """`$XDG_DATA_HOME/pruneserve`, which is `~/.local/share/pruneserve` unless it is set."""
    home = os.environ.get("XDG_DATA_HOME", "")
    # The XDG rule: a relative path in the variable counts as none.
    base = Path(home) if home.startswith("/") else Path.home() / ".local" / "share"
    return base / "pruneserve"


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """Everything that one `up` keeps. Nothing outside of it is written."""

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
        """What encrypts secrets in the database, readable by its user only."""
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
        """The results."""
        return self.root / "store"

    @property
    def models(self) -> Path:
        """Where local models and text files may lie, besides the roots that `up` is given."""
        return self.root / "models"

    @property
    def work(self) -> Path:
        """The worker's scratch space."""
        return self.root / "work"

    def create(self) -> None:
        """Make the directory, closed to other users: it holds keys and passwords."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root.chmod(0o700)
        for directory in (self.store, self.models, self.work):
            directory.mkdir(exist_ok=True)
