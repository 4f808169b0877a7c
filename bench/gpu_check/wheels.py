"""Packages that travel as files to a machine that can download nothing."""

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path


def unpack(wheels: Path, target: Path) -> None:
    """Unpack all wheels of a directory into `target`, which then goes onto the import path.

    A wheel is a zip archive that is laid out as it is installed, compiled modules included; only its scripts
    are lost. Raises FileNotFoundError for a directory without wheels.
    """
    found = sorted(wheels.glob("*.whl"))
    if not found:
        raise FileNotFoundError(f"{wheels} contains no wheel")
    for wheel in found:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(target)


def child_environment(environment: Mapping[str, str], root: Path, packages: Path | None) -> dict[str, str]:
    """Return the environment of a check: the repository's `root` and the carried packages come first.

    cuBLAS is deterministic only with a workspace of fixed size, which must be set before torch is imported.
    Nothing may reach for the Hub. Plug-ins of pytest that the machine happens to have may not break check 2.
    What a process has printed is in its log even when it is killed.
    """
    earlier = environment.get("PYTHONPATH")
    paths = [str(root), *([str(packages)] if packages else []), *([earlier] if earlier else [])]
    return {
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        **environment,
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": os.pathsep.join(paths),
    }
