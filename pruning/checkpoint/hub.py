"""Models from the Hugging Face Hub, at an exact commit."""

import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from fnmatch import fnmatch
from glob import escape
from pathlib import Path

from huggingface_hub import (
    HfApi,
    constants,
    get_hf_file_metadata,
    hf_hub_url,
    snapshot_download,
    try_to_load_from_cache,
)
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from pruning.checkpoint.files import CONFIG, all_files, refuse_oversized
from pruning.errors import InvalidInput, PruningError, Unreachable
from pruning.recipe import ModelReference

_STALL_SECONDS = 60  # without progress, after which a download counts as abandoned


class HubModel:
    """A model on the Hub at one commit, downloaded file by file into the Hub's own cache.

    Access is checked at the Hub with the caller's own token before the cache is used: files that another
    caller's token downloaded are not served to callers without access. In offline mode (HF_HUB_OFFLINE)
    access cannot be checked, and the cache is served to all callers.
    """

    def __init__(self, reference: ModelReference, token: str | None) -> None:
        """Resolve the reference to a commit.

        Raises InvalidInput for a model or revision that does not exist, is not readable with the token, or in
        offline mode is not in the cache; otherwise Unreachable.
        """
        self._reference = reference
        self._sizes: dict[str, int | None] = {}  # declared by the Hub
        self._blobs: dict[str, str | None] = {}  # their names in the cache
        self._listed: str | None = None  # the commit that these are of
        self._token = token or False  # never a token stored on this machine
        try:
            self.names = () if constants.HF_HUB_OFFLINE else self._names_on_hub()
        except Exception as error:
            raise self._translated(error) from error
        refuse_oversized(CONFIG, self._sizes.get(CONFIG))
        # By the name of the revision, so that the cache records its commit for offline mode.
        self._directory = self._snapshot(reference.revision, (CONFIG,))
        self.commit = self._directory.name
        if self._listed not in (None, self.commit):  # whose sizes are unknown
            raise Unreachable(f"{reference.id} has just changed on the Hub", "try again", field="model.id")
        if CONFIG in self.names:
            self._check_access()
        self.names = self.names or all_files(self._directory)

    def download(self, *patterns: str) -> Path:
        """Download the files other than the weights whose names match. Return the model's directory.

        Raises InvalidInput before the download for one that is too large.
        """
        for name, size in self._sizes.items():
            if any(fnmatch(name, pattern) for pattern in patterns):
                refuse_oversized(name, size)
        return self._snapshot(self.commit, patterns)

    def download_weights(self, names: Collection[str]) -> Path:
        """Download files of any size. Return the model's directory.

        The repository's index names them, so `[0-9]` in a name must not fetch what `missing` has not counted.
        """
        return self._snapshot(self.commit, tuple(map(escape, names)))

    def missing(self, names: Collection[str]) -> Mapping[Path, int]:
        """Return the bytes of these files that are still to be downloaded, by a directory on their disk."""
        return {self._directory: sum(map(self._missing_bytes, names))}

    def _missing_bytes(self, name: str) -> int:
        size, blob = self._sizes.get(name) or 0, self._blobs.get(name)
        if blob is None:
            return 0 if self._is_cached(name) else size
        blobs = self.roots[0] / "blobs"
        begun = _bytes_in_progress(blobs, blob)  # checked before the blob, which replaces it
        return 0 if (blobs / blob).exists() or self._is_cached(name) else max(0, size - begun)

    def _is_cached(self, name: str) -> bool:
        found = try_to_load_from_cache(
            self._reference.id, name, cache_dir=constants.HF_HUB_CACHE, revision=self.commit
        )
        return isinstance(found, str)

    @property
    def roots(self) -> tuple[Path, ...]:
        """The model's own part of the cache: the files of a commit are links into it."""
        return (self._directory.parent.parent,)

    def _names_on_hub(self) -> tuple[str, ...]:
        info = HfApi(token=self._token).model_info(
            self._reference.id, revision=self._reference.revision, files_metadata=True
        )
        files = info.siblings or ()
        self._listed = info.sha
        self._sizes = {file.rfilename: file.size for file in files}
        self._blobs = {file.rfilename: file.lfs.sha256 if file.lfs else file.blob_id for file in files}
        return tuple(self._sizes)

    def _check_access(self) -> None:
        """Ask for a file: the Hub describes a gated model to everyone, and cached files are not asked for."""
        try:
            url = hf_hub_url(self._reference.id, CONFIG, revision=self.commit)
            get_hf_file_metadata(url, token=self._token)
        except Exception as error:
            raise self._translated(error) from error

    def _snapshot(self, revision: str | None, patterns: tuple[str, ...]) -> Path:
        try:
            directory = snapshot_download(
                self._reference.id,
                revision=revision,
                token=self._token,
                allow_patterns=list(patterns),
                local_files_only=constants.HF_HUB_OFFLINE,
            )
        except Exception as error:
            raise self._translated(error) from error
        return Path(directory)

    def _translated(self, error: Exception) -> PruningError:
        """Translate an exception. Every library down to the network has its own, so any type is accepted."""
        model, revision = self._reference.id, self._reference.revision
        if isinstance(error, GatedRepoError):
            return InvalidInput(
                f"{model} is gated; accept its terms on the Hub and use a token that may read it",
                field="model.id",
            )
        if isinstance(error, RevisionNotFoundError):
            return InvalidInput(f"{model} has no revision {revision}", field="model.revision")
        if isinstance(error, RepositoryNotFoundError):
            return InvalidInput(
                f"{model} does not exist on the Hub, or is private and needs a token that may read it",
                field="model.id",
            )
        if isinstance(error, LocalEntryNotFoundError) and constants.HF_HUB_OFFLINE:
            # Not Unreachable: this process stays offline, so trying again later gives the same answer.
            return InvalidInput(
                f"{model} is not in the cache, and offline mode (HF_HUB_OFFLINE) forbids downloading it; "
                "download it first, or give the path of a local directory",
                field="model.id",
            )
        status = _status(error)
        if status in (401, 403):
            return InvalidInput(f"the Hub does not let this token read {model}", field="model.id")
        answer = f"status {status}" if status else type(error).__name__
        return Unreachable(
            f"the Hub did not deliver {model} ({answer})",
            "try again later, or give the path of a local copy",
            field="model.id",
        )


def _bytes_in_progress(blobs: Path, blob: str) -> int:
    """Return the bytes of a blob that another process is downloading, for which this one will wait.

    A download of a killed process starts again, so its bytes do not count.
    """
    sizes = [0]
    for part in blobs.glob(f"{escape(blob)}.*incomplete"):
        with suppress(FileNotFoundError):  # completed or abandoned meanwhile
            status = part.stat()
            if time.time() - status.st_mtime < _STALL_SECONDS:
                sizes.append(status.st_size)
    return max(sizes)


def _status(error: BaseException | None) -> int | None:
    """Return the HTTP status in the chain of causes: a refused file is reported as missing in the cache."""
    while error is not None:
        if isinstance(error, HfHubHTTPError) and error.response is not None:
            return error.response.status_code
        error = error.__cause__
    return None
