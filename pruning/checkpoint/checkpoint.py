"""A model as it lies on disk: found, checked and loaded. Nothing unsafe or unsuitable gets past `resolve`."""

import copy
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from huggingface_hub import metadata_load
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from pruning.allowed_roots import real_file
from pruning.checkpoint.files import (
    COMPANIONS,
    CONFIG,
    INDEX,
    MODEL_CARD,
    all_files,
    content_digest,
    files_of,
    stored_tensors,
    weight_files,
)
from pruning.checkpoint.hub import HubModel
from pruning.checkpoint.layout import StoredLayout
from pruning.checkpoint.support import suitable_config
from pruning.errors import InvalidInput
from pruning.model.blocks import find_stack
from pruning.recipe import ModelReference, is_local
from pruning.runtime.device import experts_implementation

_LOCAL = {"local_files_only": True, "trust_remote_code": False}


@dataclass(frozen=True)
class Checkpoint:
    """A causal language model in safetensors, resolved to exact bytes: a Hub commit, or a content digest."""

    id: str
    directory: Path
    config: PretrainedConfig
    weight_files: tuple[str, ...]
    commit: str | None  # of a Hub model
    digest: str | None  # of a local directory: "sha256:" and 64 hex digits

    @cached_property
    def skeleton(self) -> PreTrainedModel:
        """The model without weights, on the meta device."""
        with torch.device("meta"):
            skeleton = AutoModelForCausalLM.from_config(self.config, trust_remote_code=False)
        assert isinstance(skeleton, PreTrainedModel)  # noqa: S101 - what AutoModelForCausalLM promises
        return skeleton

    @cached_property
    def stored(self) -> dict[str, Tensor]:
        """The tensors in the weight files, by the names there, as shapes and dtypes on the meta device."""
        return stored_tensors(self.directory, self.weight_files)

    @property
    def stored_dtype(self) -> torch.dtype:
        """The dtype of most of the weights."""
        weights = Counter[torch.dtype]()
        for tensor in self.stored.values():
            if tensor.is_floating_point():
                weights[tensor.dtype] += tensor.numel()
        return weights.most_common(1)[0][0] if weights else torch.float32

    @cached_property
    def layout(self) -> StoredLayout:
        """Where the model's parameters lie in the weight files."""
        return StoredLayout(self.skeleton, self.stored)

    @property
    def identity(self) -> str:
        """What the weights are: the commit, or the digest."""
        return self.commit or str(self.digest)

    @property
    def architecture(self) -> str:
        """The model class that transformers builds, such as `LlamaForCausalLM`."""
        return type(self.skeleton).__name__

    @property
    def context_length(self) -> int | None:
        """The most tokens that the model reads at once; None where its config sets no bound."""
        return getattr(self.config, "max_position_embeddings", None)

    @property
    def licence(self) -> str | None:
        """The licence that the model card declares."""
        card = self.directory / MODEL_CARD
        try:
            declared = (metadata_load(card) or {}) if card.is_file() else {}
        except Exception:  # a card is written by people; a broken one declares nothing
            return None
        return str(declared["license"]) if "license" in declared else None

    @property
    def files(self) -> tuple[str, ...]:
        """The names of all files that a copy of the model consists of: weights, configs, tokenizer."""
        return files_of(self.directory, self.weight_files)

    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The checkpoint's tokenizer. Raises InvalidInput(field='model.id') when there is none."""
        try:
            tokenizer = AutoTokenizer.from_pretrained(self.directory, **_LOCAL)
        except Exception as error:  # tokenizers have a dozen formats, each with failures of its own
            raise InvalidInput(
                "the model has no tokenizer that can be loaded without code of its own; put its files "
                "(tokenizer.json, tokenizer_config.json) beside config.json",
                field="model.id",
            ) from error
        assert isinstance(tokenizer, PreTrainedTokenizerBase)  # noqa: S101 - what AutoTokenizer promises
        return tokenizer

    def load(
        self, dtype: torch.dtype, device: torch.device, *, computes_in: torch.dtype | None = None
    ) -> PreTrainedModel:
        """The model in `dtype` on `device`, frozen and in eval mode, to compute in another dtype if need be.

        Raises InvalidInput(field='model.id') where the files lack some of its weights.
        """
        try:
            model, loaded = AutoModelForCausalLM.from_pretrained(
                self.directory,
                config=copy.deepcopy(self.config),
                dtype=dtype,
                experts_implementation=experts_implementation(computes_in or dtype),
                use_safetensors=True,
                output_loading_info=True,
                **_LOCAL,
            )
        except (ValueError, RuntimeError) as error:
            raise InvalidInput(
                f"transformers cannot load this {self.architecture}; check that its config.json belongs "
                "to its weights",
                field="model.id",
            ) from error
        if loaded["missing_keys"]:
            missing = sorted(loaded["missing_keys"])
            raise InvalidInput(
                f"the checkpoint lacks {len(missing)} weights of {self.architecture}, such as {missing[0]}; "
                "save the whole causal language model",
                field="model.id",
            )
        assert isinstance(model, PreTrainedModel)  # noqa: S101 - what AutoModelForCausalLM promises
        return model.to(device).requires_grad_(False).eval()


def resolve(
    reference: ModelReference, *, roots: tuple[Path, ...] | None = None, hub_token: str | None = None
) -> Checkpoint:
    """Find the model and refuse, before any weight is read, what cannot be pruned.

    `roots`: the directories under which a local model must lie, by the real path of every file that will be
    opened; None allows any. `hub_token` is used for Hub models only.

    Raises InvalidInput(field='model.id' or 'model.revision') for what trying again will not change, and
    Unreachable where the Hub does not answer.
    """
    if is_local(reference.id):
        return _resolve_local(reference, roots)
    return _resolve_from_hub(reference, hub_token)


def _resolve_local(reference: ModelReference, roots: tuple[Path, ...] | None) -> Checkpoint:
    directory = Path(reference.id)
    real_file(directory / CONFIG, roots, field="model.id")
    for path in directory.rglob("*"):
        if path.is_symlink() or not path.is_dir():  # a link to a directory is refused as no file
            real_file(path, roots, field="model.id")
    names = all_files(directory)
    config = suitable_config(directory, names)
    weights = weight_files(directory, names)
    checkpoint = _prunable(Checkpoint(reference.id, directory, config, weights, commit=None, digest=None))
    # Last, because it reads everything.
    return replace(checkpoint, digest=content_digest(directory, checkpoint.files))


def _resolve_from_hub(reference: ModelReference, token: str | None) -> Checkpoint:
    model = HubModel(reference, token)
    directory = model.download(*COMPANIONS, MODEL_CARD, INDEX)
    config = suitable_config(directory, model.names)
    weights = weight_files(directory, model.names)
    directory = model.download(*weights)
    return _prunable(Checkpoint(reference.id, directory, config, weights, commit=model.commit, digest=None))


def _prunable(checkpoint: Checkpoint) -> Checkpoint:
    """Refuse a model that could be loaded, but not pruned or not written back."""
    stack = find_stack(checkpoint.skeleton)
    checkpoint.layout.check(layer.parameter_name for layer in stack.layers)
    return checkpoint
