"""A model on disk: find it, check it, load it. `resolve` refuses what is unsafe or cannot be pruned."""

import copy
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from pruning.checkpoint.description import (
    Description,
    describe,
    quantisation_of,
    suitable_config,
    text_field,
)
from pruning.checkpoint.files import (
    COMPANIONS,
    CONFIG,
    INDEX,
    MODEL_CARD,
    SINGLE_FILE,
    ModelFiles,
    all_files,
    companions,
    read_json,
    refuse_oversized,
    refuse_too_many_files,
    without_code,
)
from pruning.checkpoint.hub import HubModel
from pruning.checkpoint.layout import StoredLayout, build_skeleton, stored_tensors
from pruning.checkpoint.text_decoder import auto_class, text_decoder
from pruning.checkpoint.tokenizer import load_tokenizer
from pruning.errors import InvalidInput
from pruning.files.frozen_file import freeze, is_of_the_machine
from pruning.models.blocks import find_stack
from pruning.recipe import ModelReference, is_local
from pruning.runtime.device import experts_implementation, is_device_broken, is_out_of_memory

_LOCAL = {"local_files_only": True, "trust_remote_code": False}


Describe = Callable[[ModelFiles, Collection[str]], Description]
"""Describes a model by its small files and the names of all its files."""


BeforeDownload = Callable[[Mapping[str, Any], Mapping[Path, int]], None]
"""Receives the contents of a model's config.json, and the bytes that are to be downloaded by directory."""


def describe_in_process(files: ModelFiles, names: Collection[str]) -> Description:
    """Describe a model in this process. Raises what `describe` raises."""
    with files.opened() as directory:
        return describe(directory, names)


@dataclass(frozen=True)
class Checkpoint:
    """A causal language model in safetensors, resolved to exact bytes: a Hub commit, or a content digest."""

    id: str
    frozen: ModelFiles  # the weights, their index, configs, tokenizer, licences and the model card
    config: PretrainedConfig
    weight_files: tuple[str, ...]
    commit: str | None  # of a Hub model
    digest: str | None  # of a local directory: "sha256:" and 64 hex digits
    licence: str | None  # declared by the model card
    languages: tuple[str, ...]  # declared by the model card
    quantisation: str | None = None  # of the files before they were dequantised
    originals: ModelFiles = field(default_factory=lambda: ModelFiles(()))  # those files

    @cached_property
    def skeleton(self) -> PreTrainedModel:
        """The text decoder without weights, on the meta device."""
        return text_decoder(self._whole_skeleton)

    @cached_property
    def _whole_skeleton(self) -> PreTrainedModel:
        return build_skeleton(self.config, len(self.stored))

    @cached_property
    def stored(self) -> dict[str, Tensor]:
        """The tensors in the weight files, by the names there, as shapes and dtypes on the meta device."""
        with self.frozen.named(self.weight_files).opened() as directory:
            return stored_tensors(directory, self.weight_files)

    @property
    def config_values(self) -> dict[str, Any]:
        """The part of config.json that describes the text decoder, without entries that select code."""
        field = text_field(self.config)
        return self.whole_config if field is None else self.whole_config.get(field, {})

    def config_with(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the content of config.json with other `config_values`."""
        field = text_field(self.config)
        return dict(values) if field is None else {**self.whole_config, field: dict(values)}

    @property
    def whole_config(self) -> dict[str, Any]:
        """The content of config.json, without entries that select code."""
        with self.frozen.named([CONFIG]).opened() as directory:
            return without_code(read_json(directory / CONFIG))

    @property
    def weight_bytes(self) -> int:
        """The bytes of the weight files."""
        return self.frozen.named(self.weight_files).size

    @property
    def stored_dtype(self) -> torch.dtype:
        """The dtype of most of the weights."""
        weights = Counter[torch.dtype]()
        for tensor in self.stored.values():
            if tensor.is_floating_point():
                weights[tensor.dtype] += tensor.numel()
        return weights.most_common(1)[0][0] if weights else torch.float32

    @property
    def narrowest_dtype(self) -> torch.dtype:
        """The narrowest dtype of the weights: numbers rounded to it are exact in all files."""
        found = {tensor.dtype for tensor in self.stored.values() if tensor.is_floating_point()}
        return min(found, key=lambda dtype: (dtype.itemsize, str(dtype)), default=torch.float32)

    @cached_property
    def layout(self) -> StoredLayout:
        """The mapping from the parameters of the model to the tensors in the weight files."""
        return StoredLayout(self._whole_skeleton, self.stored)

    @property
    def identity(self) -> str:
        """The commit or the content digest, which identifies the weights."""
        return self.commit or str(self.digest)

    @property
    def architecture(self) -> str:
        """The model class that transformers builds, such as `LlamaForCausalLM`."""
        return type(self._whole_skeleton).__name__

    @property
    def context_length(self) -> int | None:
        """The maximum number of tokens per sequence; None where the config sets no limit."""
        return getattr(self.config.get_text_config(decoder=True), "max_position_embeddings", None)

    @property
    def files(self) -> ModelFiles:
        """The files that make up the model: weights, configs, tokenizer. Not its card."""
        unused = {MODEL_CARD, *([INDEX] if self.weight_files == (SINGLE_FILE,) else [])}
        return self.frozen.named({file.name for file in self.frozen.files} - unused)

    def tokenizer(self) -> PreTrainedTokenizerBase:
        """Load the tokenizer, from these files alone. Raises InvalidInput(field='model.id') if it fails."""
        with self.files.opened() as directory:
            return load_tokenizer(directory)

    def load(
        self, dtype: torch.dtype, device: torch.device, *, computes_in: torch.dtype | None = None
    ) -> PreTrainedModel:
        """Load the model in `dtype` on `device`, frozen and in eval mode.

        `computes_in`: the dtype of the computation, if it is another one. Raises
        InvalidInput(field='model.id') if the files lack some of the weights.
        """
        with self.files.opened() as directory:
            try:
                model, loaded = auto_class(self.config).from_pretrained(
                    directory,
                    config=copy.deepcopy(self.config),
                    dtype=dtype,
                    experts_implementation=experts_implementation(computes_in or dtype),
                    use_safetensors=True,
                    output_loading_info=True,
                    **_LOCAL,
                )
            except (ValueError, TypeError, AttributeError, RuntimeError) as error:
                if is_out_of_memory(error) or is_device_broken(error):
                    raise
                raise InvalidInput(
                    f"transformers cannot load this {self.architecture}; check that its config.json and "
                    "generation_config.json belong to its weights",
                    field="model.id",
                ) from error
        if loaded["missing_keys"]:
            missing = sorted(loaded["missing_keys"])
            raise InvalidInput(
                f"the checkpoint lacks {len(missing)} weights of {self.architecture}, such as {missing[0]}; "
                "save the whole causal language model",
                field="model.id",
            )
        assert isinstance(model, PreTrainedModel)  # noqa: S101 - what from_pretrained promises
        return text_decoder(model).to(device).requires_grad_(False).eval()


def resolve(
    reference: ModelReference,
    *,
    roots: tuple[Path, ...] | None = None,
    hub_token: str | None = None,
    scratch: Path | None = None,
    describe_files: Describe = describe_in_process,
    before_download: BeforeDownload = lambda config, missing: None,
    quantised: bool = False,
) -> Checkpoint:
    """Find the model, and refuse it before any weight is read if it cannot be pruned.

    `roots`: the directories that may contain a local model, by the real path of every file that will be
    opened; None allows any. `hub_token` is used for Hub models only. `scratch`: a directory for temporary
    links to open files, which remain if the process is killed; None: the system's.
    `describe_files`: reads the files other than the weights. `before_download` is called before the weights
    of a Hub model are downloaded; an exception prevents the download. `quantised`: return quantised weights
    too, as they are, for `dequantized`; whether a result can be written back is not checked then.

    Raises InvalidInput(field='model.id' or 'model.revision') where a retry would not help, and Unreachable
    where the Hub does not answer.
    """
    if is_local(reference.id):
        return _resolve_local(reference, roots, scratch, _unless(quantised, describe_files))
    return _resolve_from_hub(
        reference, hub_token, scratch, _unless(quantised, describe_files), before_download
    )


def resolve_directory(
    directory: Path, *, scratch: Path | None = None, describe_files: Describe = describe_in_process
) -> Checkpoint:
    """Resolve a model in a directory that the caller has chosen: its path is not validated as a request's."""
    reference = ModelReference.model_construct(id=str(directory.resolve()), revision=None)
    return resolve(reference, scratch=scratch, describe_files=describe_files)


def _unless(quantised: bool, describe_files: Describe) -> Describe:
    """Return the same function, which refuses quantised weights unless they are wanted."""

    def described(files: ModelFiles, names: Collection[str]) -> Description:
        found = describe_files(files, names)
        if quantisation_of(found.config) and not quantised:
            raise InvalidInput(
                "the model's weights are quantised, and only a run dequantises them", field="model.id"
            )
        return found

    return described


def _resolve_local(
    reference: ModelReference, roots: tuple[Path, ...] | None, scratch: Path | None, describe_files: Describe
) -> Checkpoint:
    directory = Path(reference.id)
    freeze(directory / CONFIG, roots, field="model.id")
    names = _listed(directory, roots)
    small = _companions(directory, names, roots, scratch)
    found = describe_files(small, names)
    config = suitable_config(found.config, scratch)
    files = replace(ModelFiles.freeze(directory, found.weight_files, roots) + small, scratch=scratch)
    checkpoint = _prunable(reference, files, config, found, commit=None)
    # Last, because it reads all files.
    checkpoint = replace(checkpoint, frozen=files.hashed(trust_blob_names=False))
    return replace(checkpoint, digest=checkpoint.files.digest)


def _listed(directory: Path, roots: tuple[Path, ...] | None) -> tuple[str, ...]:
    """List a local model's files. Raises InvalidInput(field='model.id') if they cannot be listed."""
    try:
        for path in directory.rglob("*"):
            if path.is_symlink():  # its target must be below a root
                freeze(path, roots, field="model.id")
        return all_files(directory)
    except (OSError, RecursionError) as error:
        if is_of_the_machine(error):
            raise
        raise InvalidInput(
            f"the files in {directory} cannot be listed: make every directory there readable and searchable "
            "(chmod a+rX), and nest them less deeply than the system's longest path",
            field="model.id",
        ) from error


def _resolve_from_hub(
    reference: ModelReference,
    token: str | None,
    scratch: Path | None,
    describe_files: Describe,
    before_download: BeforeDownload,
) -> Checkpoint:
    model = HubModel(reference, token)
    refuse_too_many_files(companions(model.names))
    directory = model.download(*COMPANIONS, MODEL_CARD, INDEX)
    small = _companions(directory, all_files(directory), model.roots, scratch)
    found = describe_files(small, model.names)
    config = suitable_config(found.config, scratch)
    before_download(found.config, model.missing(found.weight_files))
    directory = model.download_weights(found.weight_files)
    weights = ModelFiles.freeze(directory, found.weight_files, model.roots)
    files = replace(weights + small, scratch=scratch).hashed(trust_blob_names=True)
    return _prunable(reference, files, config, found, commit=model.commit)


def _companions(
    directory: Path, names: Collection[str], roots: tuple[Path, ...] | None, scratch: Path | None
) -> ModelFiles:
    """Freeze the files other than weights, and refuse too large or too many ones."""
    small = companions(names)
    refuse_too_many_files(small)
    files = replace(ModelFiles.freeze(directory, small, roots), scratch=scratch)
    for file in files.files:
        refuse_oversized(file.name, file.size)
    return files


def _prunable(
    reference: ModelReference,
    files: ModelFiles,
    config: PretrainedConfig,
    found: Description,
    *,
    commit: str | None,
) -> Checkpoint:
    """Return the checkpoint. Raises InvalidInput if the model cannot be pruned or written back."""
    checkpoint = Checkpoint(
        reference.id,
        files,
        config,
        found.weight_files,
        commit,
        digest=None,
        licence=found.licence,
        languages=found.languages,
        quantisation=quantisation_of(found.config).get("quant_method"),
    )
    stack = find_stack(checkpoint.skeleton)
    if checkpoint.quantisation is None:
        checkpoint.layout.check(layer.parameter_name for layer in stack.layers)
    return checkpoint
