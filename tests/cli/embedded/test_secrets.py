import stat
from pathlib import Path

from cryptography.fernet import Fernet

from cli.embedded.secrets import secret_key


def test_the_secret_key_is_created_once_and_readable_by_its_user_only(tmp_path: Path) -> None:
    file = tmp_path / "secret-key"
    key = secret_key(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert secret_key(file) == key
    Fernet(key)
