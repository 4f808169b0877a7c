"""The wheel of the client and its command, packed from what this server runs.

Nothing of PruneServe is on a package index: whoever asks one by our name gets what a stranger has registered
under it. So a server offers the client that fits it. The same files give the same bytes, so that a digest can
be pinned.
"""

import base64
import hashlib
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import requires
from pathlib import Path

from pruning.version import pruneserve_version

_HOME = Path(__file__).parents[3]
_ROOMS = ("cli", "pruneserve_client", "pruneserve_entry")
_ONLY_WITH_THE_SERVICE = ("cli/embedded/", "cli/demo/")
_FILES = ("*.py", "py.typed")
# The dependencies of the service that the client has as well, with their bounds.
_NEEDED = re.compile(r"(httpx|httpx-sse|pydantic|rich|tenacity|typer|zstandard)(?![\w-])(?!.*extra ==)")
_WHEEL = "Wheel-Version: 1.0\nGenerator: pruneserve\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_ENTRY_POINTS = "[console_scripts]\npruneserve = pruneserve_entry:client\n"


@dataclass(frozen=True, slots=True)
class ClientWheel:
    """A wheel in memory."""

    name: str
    version: str
    content: bytes
    sha256: str


@cache
def client_wheel() -> ClientWheel:
    """Pack the wheel, once per process."""
    version = pruneserve_version()
    content = _packed(version)
    name = f"pruneserve_client-{version}-py3-none-any.whl"
    return ClientWheel(name, version, content, hashlib.sha256(content).hexdigest())


def _packed(version: str) -> bytes:
    files = dict(_sources())
    about = f"pruneserve_client-{version}.dist-info"
    files |= {
        f"{about}/METADATA": _metadata(version).encode(),
        f"{about}/WHEEL": _WHEEL.encode(),
        f"{about}/entry_points.txt": _ENTRY_POINTS.encode(),
    }
    record = [f"{name},sha256={_digest(content)},{len(content)}" for name, content in files.items()]
    record.append(f"{about}/RECORD,,")
    files[f"{about}/RECORD"] = "".join(f"{line}\n" for line in record).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)  # of 1980, whenever it is packed
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _sources() -> Iterator[tuple[str, bytes]]:
    for room in _ROOMS:
        paths = [path for pattern in _FILES for path in (_HOME / room).rglob(pattern)]
        for path in sorted(paths):
            name = path.relative_to(_HOME).as_posix()
            if not name.startswith(_ONLY_WITH_THE_SERVICE):
                yield name, path.read_bytes()


def _metadata(version: str) -> str:
    lines = [
        "Metadata-Version: 2.4",
        "Name: pruneserve-client",
        f"Version: {version}",
        "Requires-Python: >=3.11",
        *(f"Requires-Dist: {line}" for line in requires("pruneserve") or () if _NEEDED.match(line)),
    ]
    return "".join(f"{line}\n" for line in lines)


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
