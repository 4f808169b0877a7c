"""A model as it lies on disk: found, checked and loaded. Nothing unsafe or unsuitable gets past `resolve`."""

from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from pruning.recipe import ModelReference


@dataclass(frozen=True)
class Checkpoint:
    """A causal language model in safetensors, resolved to exact bytes: a Hub commit, or a content digest."""

    id: str
    directory: Path
    config: PretrainedConfig
    commit: str | None  # of a Hub model
    digest: str | None  # of a local directory: "sha256:" and 64 hex digits

    @property
    def architecture(self) -> str:
        """The model class that transformers will build, such as `LlamaForCausalLM`."""
        raise NotImplementedError

    @property
    def context_length(self) -> int | None:
        """The most tokens that the model reads at once; None where its config sets no bound."""
        raise NotImplementedError

    @property
    def stored_dtype(self) -> torch.dtype:
        """The dtype in which most of the weights are stored."""
        raise NotImplementedError

    @property
    def licence(self) -> str | None:
        """The licence that the model card declares."""
        raise NotImplementedError

    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The checkpoint's tokenizer. Raises InvalidInput(field='model.id') when there is none."""
        raise NotImplementedError

    def load(self, dtype: torch.dtype, device: torch.device) -> PreTrainedModel:
        """The model in `dtype` on `device`, frozen and in eval mode."""
        raise NotImplementedError


def resolve(
    reference: ModelReference, *, roots: tuple[Path, ...] | None = None, hub_token: str | None = None
) -> Checkpoint:
    """Find the model and refuse, before any weight is read, what cannot be pruned.

    `roots`: the directories under which a local model must lie, by the real path of every file that will be
    opened; None allows any. `hub_token` is used for Hub models only.

    Raises InvalidInput(field='model.id' or 'model.revision') for what trying again will not change, and
    Unreachable where the Hub does not answer.
    """
    raise NotImplementedError
