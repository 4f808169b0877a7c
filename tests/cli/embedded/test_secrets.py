import stat
from pathlib import Path

from cryptography.fernet import Fernet

from cli.embedded.secrets import secret_key


def test_the_key_of_secrets_is_made_once_and_for_its_user_only(tmp_path: Path) -> None:
    file = tmp_path / "secret-key"
    key = secret_key(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert secret_key(file) == key
    Fernet(key)
