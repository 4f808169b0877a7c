"""Damages files, on disk and in a store."""

from pathlib import Path
from tempfile import TemporaryDirectory

from jobs.storage.store import Store


def damage(path: Path) -> None:
    """Flip every bit of the byte in the middle: the size stays, and so does a safetensors header."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def damage_stored(store: Store, key: str) -> None:
    """Damage a file in a store in the same way."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "file"
        store.download(key, path)
        damage(path)
        store.put_file(key, path)
