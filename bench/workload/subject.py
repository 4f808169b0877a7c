"""The standard workload of the benchmarks: SmolLM2-135M on Wikipedia prose, windows of 512 tokens, CPU."""

import argparse
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import PreTrainedModel
from transformers.utils import logging

from bench.workload.gemma import gemma
from bench.workload.wikipedia import prepare
from cli.demo.model import demo_model
from cli.terminal import CommandFailed, Exit
from pruning.checkpoint.checkpoint import resolve
from pruning.data.calibration import calibration_set
from pruning.data.text import PARAGRAPH_BREAK, Source, read_documents
from pruning.data.windows import Reader
from pruning.evaluation.perplexity import evaluation_sets
from pruning.recipe import Calibration, Evaluation, ModelReference

_CACHE = Path(".bench").absolute()
_LENGTH = 512
_EVALUATION_WINDOWS = 24
_HELD_OUT_WINDOWS = 16


class Subject:
    """A checkpoint, with its calibration and evaluation windows."""

    def __init__(
        self,
        model: Path,
        texts: Path,
        samples: int = 16,
        *,
        length: int = _LENGTH,
        evaluation_windows: int = _EVALUATION_WINDOWS,
        name: str = "SmolLM2-135M",
        add_bos_token: bool = False,
    ) -> None:
        """`model`: a checkpoint. `texts`: the directory of the articles, prepared on first use."""
        self._name = name
        self.reference = ModelReference(id=str(model))
        self._checkpoint = resolve(self.reference)
        self._reader = Reader(
            tokenizer=self._checkpoint.tokenizer(),
            vocabulary=self._checkpoint.config.get_text_config().vocab_size,
            context_length=self._checkpoint.context_length,
        ).with_bos(add_bos_token, "calibration")
        calibration, evaluation = prepare(texts)
        self.texts = texts
        self.calibration = Calibration(
            dataset=str(calibration), samples=samples, sequence_length=length, add_bos_token=add_bos_token
        )
        self.windows = calibration_set(self.calibration, self._reader).windows
        self.request = Evaluation(
            dataset=str(evaluation),
            sequence_length=length,
            windows=evaluation_windows,
            speed="off",
            add_bos_token=add_bos_token,
        )
        self.evaluation = evaluation_sets(self.request, self._reader)[0].windows

    def dense(self, dtype: torch.dtype = torch.float32) -> PreTrainedModel:
        """Load the dense model anew."""
        return self._checkpoint.load(dtype, torch.device("cpu"))

    @property
    def places(self) -> dict[str, str]:
        """Where the workload lies on this machine, and what a row's file has in place of that."""
        return {f"{self.texts}/": "", self.reference.id: self._name}

    @property
    def held_out(self) -> Tensor:
        """Windows for choosing methods and options, (windows, length).

        They are spread over the calibration articles that contain no calibration window.
        """
        stride = len(self._untouched_windows) // _HELD_OUT_WINDOWS
        return self._untouched_windows[::stride][:_HELD_OUT_WINDOWS]

    @cached_property
    def _untouched_windows(self) -> Tensor:
        ids = self._reader.encode(PARAGRAPH_BREAK.join(self._untouched_articles()), self._source)
        cut = self._reader.text_length(_LENGTH)
        return self._reader.prepend_bos(torch.tensor(ids).unfold(0, cut, cut))

    def _untouched_articles(self) -> Iterator[str]:
        cut = self._reader.text_length(_LENGTH)
        for article in read_documents(self._source):
            ids = torch.tensor(self._reader.encode(article, self._source))
            # What a calibration window has of the text is a contiguous part of one article's token ids.
            offsets = ids.unfold(0, cut, 1) if len(ids) >= cut else ids.new_empty(0, cut)
            if not any((offsets == window).all(dim=1).any() for window in self.windows[:, -cut:]):
                yield article

    @property
    def _source(self) -> Source:
        assert self.calibration.dataset is not None
        return Source(self.calibration.dataset, "calibration", "calibration.dataset")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add `--model` and `--texts`."""
    parser.add_argument("--model", type=Path, metavar="DIR", help="another SmolLM2-135M (default: fetched)")
    parser.add_argument("--texts", type=Path, metavar="DIR", default=_CACHE / "wikipedia")


def subject(options: argparse.Namespace, samples: int = 16) -> Subject:
    """Return the workload that the options name, fetching what is missing."""
    logging.disable_progress_bar()
    return Subject(checkpoint(options), options.texts.absolute(), samples)


def second_subject(options: argparse.Namespace, samples: int = 16) -> Subject:
    """Return the same texts with Gemma 3 270M, which is fetched if it is missing.

    Its windows begin with the token that its tokenizer puts before a text: without it the dense model's
    perplexity is two and a half times as high. Raises CommandFailed where the options name a model.
    """
    if options.model is not None:
        raise CommandFailed("--second: the second model is fetched; leave out --model", Exit.USAGE)
    logging.disable_progress_bar()
    _CACHE.mkdir(exist_ok=True)
    texts = options.texts.absolute()
    return Subject(gemma(_CACHE), texts, samples, name="Gemma 3 270M", add_bos_token=True)


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


def ignore_steps(done: int, total: int) -> None:
    """A `step` callback that does nothing."""
