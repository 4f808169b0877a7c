"""Make the secrets of docker-compose.yml: `make secrets`. Only those that are missing; needs no packages.

Each is a file in `secrets/`. The folder is closed to other users of the host. The files in it are readable,
because the programs in the containers have users of their own; each container sees only what it is given.
"""

import base64
import secrets
from collections.abc import Callable
from pathlib import Path

FOLDER = Path("secrets")


def main(folder: Path = FOLDER) -> None:
    """Write what is missing."""
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    owner = _kept(folder / "postgres_owner_password", _password)
    app = _kept(folder / "postgres_app_password", _password)
    _kept(folder / "database_owner_url", lambda: _database_url("pruneserve_owner", owner))
    _kept(folder / "database_url", lambda: _database_url("pruneserve", app))

    configuration = _kept(folder / "valkey_conf", lambda: f"requirepass {_password()}")
    broker = configuration.removeprefix("requirepass ")
    _kept(folder / "broker_url", lambda: f"redis://:{broker}@valkey:6379/0")

    _kept(folder / "secret_keys", lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
    for filled_in_by_a_person in ("hub_token", "oidc_client_secret"):
        _kept(folder / filled_in_by_a_person, lambda: "")


def _password() -> str:
    return secrets.token_hex(24)  # nothing that a URL would need to escape


def _database_url(role: str, password: str) -> str:
    return f"postgresql://{role}:{password}@postgres:5432/pruneserve"


def _kept(file: Path, make: Callable[[], str]) -> str:
    """Return the secret in a file, which is written if it is missing."""
    if not file.exists():
        file.write_text(f"{make()}\n", encoding="ascii")
        file.chmod(0o644)
        print(f"{file} is new")
    return file.read_text(encoding="ascii").strip()


if __name__ == "__main__":
    main()
