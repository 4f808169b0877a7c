"""Opening a file beneath a directory, by one system call and by one for each part of the path."""

import errno
import os
from pathlib import Path, PurePath

import pytest

from pruning.files import frozen_file
from pruning.files.frozen_file import open_beneath

pytestmark = pytest.mark.threat


@pytest.fixture(autouse=True, params=["openat2", "a kernel without it", "a sandbox that forbids it"])
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param != "openat2":
        number = errno.ENOSYS if "without" in request.param else errno.EPERM

        def refused(directory: int, path: PurePath) -> int:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(frozen_file, "_openat2", refused)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with a file in a folder; a secret lies next to the root."""
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "root/folder").mkdir(parents=True)
    (tmp_path / "root/folder/file").write_text("mine")
    return tmp_path / "root"


def content(root: Path, path: str) -> str:
    descriptor = open_beneath(root, PurePath(path))
    with os.fdopen(descriptor) as file:
        assert not os.get_inheritable(descriptor)
        return file.read()


def test_a_file_is_opened(root: Path, tmp_path: Path) -> None:
    assert content(root, "folder/file") == "mine"
    (tmp_path / "link").symlink_to(root)
    assert content(tmp_path / "link", "folder/file") == "mine"  # the operator's own link to the root


@pytest.mark.parametrize("target", ["{outside}/secret", "../../secret", "file", "/proc/self/environ"])
def test_a_link_is_not_followed(root: Path, target: str) -> None:
    (root / "folder/link").symlink_to(target.format(outside=root.parent))
    with pytest.raises(OSError, match="symbolic links"):
        content(root, "folder/link")


def test_a_link_among_the_directories_is_not_followed(root: Path) -> None:
    (root / "away").symlink_to(root.parent)
    with pytest.raises(OSError, match=r"symbolic links|Not a directory"):
        content(root, "away/secret")


@pytest.mark.parametrize("path", ["../secret", "folder/../../secret", "{outside}/secret"])
def test_a_path_that_leads_out_is_refused(root: Path, path: str) -> None:
    with pytest.raises(OSError, match="cross-device"):
        content(root, path.format(outside=root.parent))


def test_a_pipe_does_not_keep_it_waiting(root: Path) -> None:
    os.mkfifo(root / "pipe")
    assert content(root, "pipe") == ""


def test_no_descriptor_is_left_open(root: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert content(root, "folder/file") == "mine"
    for path in ("folder/absent", "absent/file"):
        with pytest.raises(FileNotFoundError):
            content(root, path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
