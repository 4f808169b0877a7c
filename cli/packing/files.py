"""Packs and unpacks a safetensors file, or those of a directory; all other files are copied.

A link in a directory stands for its file where that lies in the directory too, or in the folder `blobs` of
the Hub's cache, of which the directory is a snapshot. Any other could put foreign files there.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from cli.packing import format as packed_format

Convert = Callable[[Path, Path], None]

_ENDING = ".packed"
_SAFETENSORS = ".safetensors"


class PackedAlready(packed_format.NotPackable):
    """The directory has a packed file, which would not come back as it is."""


def pack(source: Path, output: Path) -> tuple[int, int]:
    """Write `source` to `output`, packed, or nothing. Returns the bytes before and after.

    Raises NotPackable and OSError.
    """
    if packed := next(source.rglob(f"*{_ENDING}"), None):
        raise PackedAlready(f"{packed} is packed already: take it out first")
    return _whole(source, output, packed_format.pack, _SAFETENSORS)


class ForeignLink(packed_format.NotPackable):
    """The directory has a link to what is not of it."""


class TwiceThere(packed_format.NotPackable):
    """The directory has a file and its packed form: one would overwrite the other."""


class TooLarge(packed_format.NotPackable):
    """What comes out is more than the disk has room for, or than is allowed."""


def unpack(source: Path, output: Path, most: int | None = None) -> tuple[int, int]:
    """Undo `pack`. What comes out is known before anything is written: `most` bytes, if that is given.

    Raises NotPackable and OSError.
    """
    total, files = 0, _files(source)
    for file in files:
        is_packed = file.suffix == _ENDING or file == source
        if is_packed and file != source and (plain := file.with_suffix("")) in files:
            raise TwiceThere(f"{file} becomes {plain.name}, which is there too: take one of them out")
        total += packed_format.plain_size(file) if is_packed else file.stat().st_size
    if most is not None and total > most:
        raise TooLarge(f"{source} says to give {total} bytes, and --max-bytes allows {most}")
    place = next(folder for folder in output.absolute().parents if folder.exists())
    if total > (free := shutil.disk_usage(place).free):
        raise TooLarge(f"{source} says to give {total} bytes, and the disk of {output} has {free} left")
    return _whole(source, output, packed_format.unpack, _ENDING)


def _whole(source: Path, output: Path, convert: Convert, ending: str) -> tuple[int, int]:
    output.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as temporary:
        result = Path(temporary) / "result"
        sizes = _converted(source, result, convert, ending)
        result.rename(output)
        return sizes


def _files(source: Path) -> list[Path]:
    """Return the file itself, or those of the directory, in order. Raises ForeignLink."""
    if source.is_file():
        return [source]
    found = sorted(source.rglob("*"))
    for path in found:
        if path.is_symlink():
            _check_link(path, source.resolve())
    return [path for path in found if path.is_file()]


def _check_link(link: Path, root: Path) -> None:
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise ForeignLink(f"{link} is a link to no file: take it out first") from error
    own = [root, root.parent.parent / "blobs"] if root.parent.name == "snapshots" else [root]
    if not target.is_file():
        raise ForeignLink(f"{link} is a link to a directory: put the directory in its place")
    if not any(target.is_relative_to(folder) for folder in own):
        raise ForeignLink(f"{link} is a link out of the directory: put the file in its place, or take it out")


def _converted(source: Path, result: Path, convert: Convert, ending: str) -> tuple[int, int]:
    if source.is_file():
        convert(source, result)
        return source.stat().st_size, result.stat().st_size
    before = after = 0
    for file in _files(source):
        target = result / file.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ending:
            is_packed = ending == _ENDING
            target = target.with_suffix("") if is_packed else target.with_name(target.name + _ENDING)
            convert(file, target)
        else:
            shutil.copyfile(file, target)
        before += file.stat().st_size
        after += target.stat().st_size
    return before, after
