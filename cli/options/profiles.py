"""Profiles: servers with their key files, by names of the user's own, in a file.

default = "staging"

[profiles.staging]
url = "https://pruneserve.example.org"
key-file = "~/keys/staging"
"""

import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from cli.terminal import CommandFailed, Exit


@dataclass(frozen=True, slots=True)
class Profile:
    """A server, and where its key lies."""

    url: str
    key_file: Path | None


@dataclass(frozen=True, slots=True)
class Profiles:
    """All of the user's profiles."""

    file: Path
    by_name: dict[str, Profile] = field(default_factory=dict)
    default: str | None = None

    @classmethod
    def read(cls) -> Self:
        """Read the file; without one there are no profiles. Raises CommandFailed for what is wrong in it."""
        file = _file()
        try:
            document = tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls(file)
        except (OSError, ValueError) as error:
            raise CommandFailed(f"cannot read {file}: {error}", Exit.USAGE) from error
        by_name, default = document.pop("profiles", {}), document.pop("default", None)
        if document or not isinstance(by_name, dict) or not isinstance(default, str | None):
            raise CommandFailed(f"{file} may have `default` and [profiles.<name>] only", Exit.USAGE)
        return cls(file, {name: _profile(file, name, values) for name, values in by_name.items()}, default)

    def named(self, name: str) -> Profile:
        """Return the profile of this name. Raises CommandFailed if there is none."""
        if name not in self.by_name and not self.file.exists():
            raise CommandFailed(
                f"there is no profile {name!r}: {self.file} does not exist; write [profiles.{name}] with "
                "`url` and `key-file` there",
                Exit.USAGE,
            )
        if name not in self.by_name:
            known = ", ".join(self.by_name) or "none"
            raise CommandFailed(f"{self.file} has no profile {name!r}; it has {known}", Exit.USAGE)
        return self.by_name[name]


def _file() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME", "")
    # The XDG specification: a relative path in the variable is ignored.
    base = Path(home) if home.startswith("/") else Path.home() / ".config"
    return base / "pruneserve" / "config.toml"


def _profile(file: Path, name: str, values: Any) -> Profile:  # noqa: ANN401 - what TOML holds
    match values:
        case {"url": str(url), "key-file": str(key_file), **rest} if not rest:
            # Relative to the file, whatever directory the command runs in.
            return Profile(url, file.parent / Path(key_file).expanduser())
        case {"url": str(url), **rest} if not rest:
            return Profile(url, None)
    raise CommandFailed(f"profile {name!r} in {file} must have `url`, and may have `key-file`", Exit.USAGE)
