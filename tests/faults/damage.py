"""Files whose content is not any more what was written."""

from pathlib import Path
from tempfile import TemporaryDirectory

from jobs.storage.store import Store


def damage(path: Path) -> None:
    """Flip every bit of the byte in the middle: the size stays, and a safetensors header is whole."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def damage_stored(store: Store, key: str) -> None:
    """The same to a file in a store."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "file"
        store.download(key, path)
        damage(path)
        store.put_file(key, path)
