"""Checkpoints in the format of compressed-tensors, which vLLM and transformers load.

`fp8` is the preset FP8_DYNAMIC: weights in E4M3 with a scale for each row, and activations that the engine
rounds to E4M3 token by token. `w4a16` is the preset W4A16 with groups of 64 or 128, see
`pruning.exports.int4`. Both are of the linear layers in the decoder blocks; all else stays byte for byte.
"""

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, PreTrainedModel

from pruning.calibration.activation_statistics import InputStatistics
from pruning.calibration.activation_walk import BlockwiseForward
from pruning.checkpoint.checkpoint import Checkpoint
from pruning.checkpoint.description import suitable_config
from pruning.checkpoint.files import CONFIG, WEIGHTS, read_json
from pruning.errors import InvalidInput, NumericalFailure
from pruning.evaluation.final_states import Comparison, Fidelity
from pruning.evaluation.perplexity import perplexity_over, window_losses
from pruning.exports.int4 import InputFactor, Int4Matrix, as_scales, int4_scales, with_feedback
from pruning.exports.replaced_tensors import ReplacedTensors
from pruning.models.blocks import Stack, find_stack
from pruning.models.layers import LinearLayer, ModuleLayer
from pruning.models.memory import micro_batches
from pruning.models.placement import Placement
from pruning.models.replay import Replay
from pruning.output.directory import atomic_directory
from pruning.progress import Step
from pruning.runtime.process_memory import retain_freed_heap

_FP8 = torch.float8_e4m3fn

EVALUATOR = "transformers with compressed-tensors, not vLLM's kernels"


@dataclass(frozen=True)
class Fp8:
    """FP8 weights with a scale for each row. Nothing is measured for them."""

    preset: ClassVar[str] = "FP8_DYNAMIC"
    format: ClassVar[str] = "float-quantized"
    weight_fields: ClassVar[Mapping[str, Any]] = {}

    def check(self, layer: LinearLayer) -> None:
        """Rows of any length will do."""

    def shapes(self, outputs: int, inputs: int, dtype: torch.dtype) -> dict[str, Tensor]:
        """Return a layer's tensors on the meta device, by the last part of their names.

        `dtype`: of the scales.
        """
        return {
            "weight": torch.empty(outputs, inputs, dtype=_FP8, device="meta"),
            "weight_scale": torch.empty(outputs, 1, dtype=dtype, device="meta"),
        }


@dataclass(frozen=True)
class W4A16:
    """INT4 weights with a scale for each group of a row."""

    preset: ClassVar[str] = "W4A16"
    format: ClassVar[str] = "pack-quantized"

    group_size: int
    """64 or 128: engines have kernels for these."""

    @property
    def weight_fields(self) -> Mapping[str, Any]:
        """What of the preset's description of weights is another."""
        return {"group_size": self.group_size}

    def check(self, layer: LinearLayer) -> None:
        """Raise InvalidInput(field='exports') for a layer whose rows the groups do not divide."""
        if layer.inputs % self.group_size:
            advice = "use 64" if layer.inputs % 64 == 0 else "use the scheme fp8, which has no groups"
            raise InvalidInput(
                f"groups of {self.group_size} do not divide the {layer.inputs} inputs of layer {layer.name}; "
                f"{advice}",
                field="exports",
            )

    def shapes(self, outputs: int, inputs: int, dtype: torch.dtype) -> dict[str, Tensor]:
        """Return a layer's tensors on the meta device, by the last part of their names.

        `dtype`: of the scales.
        """
        groups = inputs // self.group_size
        return {
            "weight_packed": torch.empty(outputs, inputs // 8, dtype=torch.int32, device="meta"),
            "weight_scale": torch.empty(outputs, groups, dtype=dtype, device="meta"),
            "weight_shape": torch.empty(2, dtype=torch.int64, device="meta"),
        }


Scheme = Fp8 | W4A16


def check_export(checkpoint: Checkpoint, scheme: Scheme, model: PreTrainedModel | None = None) -> None:
    """Refuse an export before anything is computed.

    `model`: what will be made of the checkpoint, without weights; by default the model that it holds. Raises
    InvalidInput: with field 'exports' where compressed-tensors is not installed or a group divides no row,
    'model.id' for a model with layers that are not linear modules of their own.
    """
    if importlib.util.find_spec("compressed_tensors") is None:
        raise InvalidInput(
            "this export needs compressed-tensors, which is not installed here: "
            "in a checkout, pip install '.[engines]'",
            field="exports",
        )
    for layer in find_stack(model or checkpoint.skeleton).layers:
        if not isinstance(layer, ModuleLayer) or not isinstance(layer.module, nn.Linear):
            raise InvalidInput(
                f"compressed-tensors quantises linear modules, and layer {layer.name} of this "
                f"{checkpoint.architecture} is none; export it as GGUF",
                field="model.id",
            )
        scheme.check(layer)
        checkpoint.layout.name_of(layer.parameter_name, 0)


def export_fp8(checkpoint: Checkpoint, destination: Path, *, step: Step) -> None:
    """Write the FP8 checkpoint as a new directory, which appears complete or not at all.

    One tensor is in memory at a time. `step` is called after each layer. Raises what `check_export` and
    `atomic_directory` raise.
    """
    names = _weight_names(checkpoint)
    with _writing(checkpoint, Fp8(), destination) as files:
        for done, name in enumerate(names.values(), start=1):
            files.put(_named(name, fp8(files.dense_tensor(name))))
            step(done, len(names))


def fp8(weight: Tensor) -> dict[str, Tensor]:
    """Return the tensors of a weight (outputs, inputs) in FP8, its scales in the weight's own dtype."""
    wide = weight.to(torch.promote_types(weight.dtype, torch.float32))
    limit = torch.finfo(_FP8).max
    scales = as_scales(wide.abs().amax(dim=1, keepdim=True) / limit, weight.dtype)
    # A scale that was rounded down puts the largest weight past the limit, where the cast gives NaN.
    return {"weight": (wide / scales.to(wide.dtype)).clamp_(-limit, limit).to(_FP8), "weight_scale": scales}


def export_w4a16(
    checkpoint: Checkpoint,
    scheme: W4A16,
    destination: Path,
    *,
    placement: Placement,
    windows: Tensor,
    step: Step,
) -> tuple[str, ...]:
    """Write the INT4 checkpoint as a new directory, which appears complete or not at all; return warnings.

    One block is in memory at a time, and the hidden states of all windows.

    Parameters
    ----------
    checkpoint
        The model on disk.
    scheme
        The size of groups.
    destination
        A directory that does not exist.
    placement
        The same model, loaded. Its weights are changed in place where they are not copied to compute.
    windows
        Calibration windows: token ids, int64 (windows, length).
    step
        Called after each block.

    Raises
    ------
    InvalidInput
        As in `check_export` and `atomic_directory`.
    NumericalFailure
        With the name of the layer.
    """
    names, warnings = _weight_names(checkpoint), list[str]()
    dtypes = {layer: checkpoint.stored[name].dtype for layer, name in names.items()}
    stack = find_stack(placement.model)
    with _writing(checkpoint, scheme, destination) as files:
        blocks = _quantized_blocks(stack, placement, windows, scheme, dtypes)
        for done, (matrices, of_block) in enumerate(blocks, start=1):
            for layer, matrix in matrices.items():
                files.put(_named(names[layer], int4(matrix)))
            warnings += of_block
            step(done, len(stack.blocks))
    return tuple(warnings)


def int4(matrix: Int4Matrix) -> dict[str, Tensor]:
    """Return the tensors of an INT4 matrix, with eight codes in an int32."""
    from compressed_tensors.compressors.pack_quantized import pack_to_int32

    return {
        "weight_packed": pack_to_int32(matrix.codes, 4),
        "weight_scale": matrix.scales,
        "weight_shape": torch.tensor(matrix.codes.shape),
    }


@torch.no_grad()
def _quantized_blocks(
    stack: Stack,
    placement: Placement,
    windows: Tensor,
    scheme: W4A16,
    dtypes: Mapping[str, torch.dtype],
) -> Iterator[tuple[dict[str, Int4Matrix], list[str]]]:
    """Quantise block by block, on activations of the quantised model so far. Yield each, with warnings.

    The layers that share an input are one step, measured after the earlier layers of their block have been
    quantised. `dtypes`: of the scales, by layer name.
    """
    placement.model.requires_grad_(False).eval()
    pieces = micro_batches(stack, windows, placement.device)
    with retain_freed_heap(), BlockwiseForward(Replay(stack, windows, placement), pieces) as forward:
        for index, block in enumerate(stack.blocks):
            matrices, warnings = dict[str, Int4Matrix](), list[str]()
            with placement.resident(block.module, then=stack.module_after(index)):
                for layers in forward.input_groups(index):
                    inputs = _measured(layers, index, forward)
                    warnings += (f"layer {layers[0].name}: {text}" for text in inputs.warnings)
                    for layer in layers:
                        weight = layer.matrix.to(inputs.factor.dtype)
                        scales = int4_scales(
                            weight, inputs.importance, group_size=scheme.group_size, dtype=dtypes[layer.name]
                        )
                        matrix = with_feedback(weight, scales, inputs)
                        layer.matrix.copy_(matrix.dequantized())
                        matrices[layer.name] = Int4Matrix(matrix.codes.cpu(), matrix.scales.cpu())
                if index + 1 < len(stack.blocks):
                    forward.advance(index)
            yield matrices, warnings


def _measured(layers: Sequence[LinearLayer], index: int, forward: BlockwiseForward) -> InputFactor:
    """Measure the input that layers of block `index` share.

    Raises NumericalFailure with a layer's name, or InvalidInput where it is never called.
    """
    statistics = InputStatistics(layers, {"second_moments"})
    forward.measure(index, statistics)
    statistics.refuse_uncalled()
    try:
        return InputFactor.of(statistics.of(layers[0], "second_moments"), statistics.tokens(layers[0]))
    except NumericalFailure as error:
        raise NumericalFailure(f"layer {layers[0].name}: {error}") from error


def _weight_names(checkpoint: Checkpoint) -> dict[str, str]:
    """Return the name in the files of each layer's weight, by layer name."""
    layers = find_stack(checkpoint.skeleton).layers
    return {layer.name: checkpoint.layout.name_of(layer.parameter_name, 0) for layer in layers}


def _named(weight: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors of a layer by their names in the files."""
    return {f"{weight.removesuffix('weight')}{suffix}": tensor for suffix, tensor in tensors.items()}


@contextmanager
def _writing(checkpoint: Checkpoint, scheme: Scheme, destination: Path) -> Iterator[ReplacedTensors]:
    """Yield the files of the export, which become `destination` once all is written."""
    check_export(checkpoint, scheme)
    new = {}
    for name in _weight_names(checkpoint).values():
        outputs, inputs = checkpoint.stored[name].shape
        new[name] = _named(name, scheme.shapes(outputs, inputs, checkpoint.stored[name].dtype))
    with (
        atomic_directory(destination) as directory,
        ReplacedTensors.written(checkpoint, new, directory) as files,
    ):
        _write_config(checkpoint.skeleton, scheme, directory)
        yield files


def _write_config(skeleton: PreTrainedModel, scheme: Scheme, directory: Path) -> None:
    """Add to the config what readers need to know: the scheme, and the linear modules that have none."""
    from compressed_tensors.compressors import ModelCompressor
    from compressed_tensors.quantization import QuantizationConfig, QuantizationStatus
    from compressed_tensors.quantization.quant_scheme import preset_name_to_scheme

    quantized = {layer.name for layer in find_stack(skeleton).layers}
    linear = (name for name, module in skeleton.named_modules() if isinstance(module, nn.Linear))
    preset = preset_name_to_scheme(scheme.preset, ["Linear"])
    weights = preset.weights.model_copy(update=dict(scheme.weight_fields))
    config = QuantizationConfig(
        config_groups={"group_0": preset.model_copy(update={"weights": weights, "format": scheme.format})},
        format=scheme.format,
        quantization_status=QuantizationStatus.COMPRESSED,
        ignore=[name for name in linear if name not in quantized],
    )
    ModelCompressor(quantization_config=config).update_config(str(directory))


@dataclass(frozen=True)
class Measured:
    """An export as its files say, by `EVALUATOR`."""

    losses: list[float]  # mean of each window, in nats
    perplexity: float
    fidelity: Fidelity | None  # None: see `Comparison.result`
    bytes: int  # of the weight files


def load_export(directory: Path, dtype: torch.dtype, attention: str | None = None) -> PreTrainedModel:
    """Load an export through transformers on the host, frozen and in eval mode.

    compressed-tensors decompresses the weights to `dtype` in the model's first forward pass, which is done
    here; for `fp8` it also rounds the inputs of each layer to E4M3, token by token. `attention`: see
    `PreTrainedModel.from_pretrained`.
    """
    from compressed_tensors.offload import remove_dispatch

    content = read_json(directory / CONFIG)
    quantisation = content.pop("quantization_config")
    config = suitable_config(content, scratch=directory.parent)
    config.quantization_config = quantisation
    try:
        model = AutoModelForCausalLM.from_pretrained(
            directory,
            config=config,
            attn_implementation=attention,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
        )
    except (ValueError, KeyError) as error:
        reason = f"transformers does not load the export ({type(error).__name__}: {error})"
        raise InvalidInput(reason, field="exports") from error
    assert isinstance(model, PreTrainedModel)  # noqa: S101 - what AutoModelForCausalLM promises
    model = model.requires_grad_(False).eval()
    model(input_ids=torch.zeros(1, 1, dtype=torch.int64), use_cache=False)
    remove_dispatch(model)  # otherwise its layers move their inputs back to the host
    return model


def measure(
    directory: Path,
    placement: Placement,
    windows: Tensor,
    states: Path,
    *,
    step: Step,
    dense_head: Mapping[str, Tensor] | None = MappingProxyType({}),
) -> Measured:
    """Measure an export.

    Parameters
    ----------
    directory
        What `export_fp8` or `export_w4a16` has written.
    placement
        The same, as `load_export` loads it.
    windows
        Evaluation windows: token ids, int64 (windows, length).
    states
        The dense model's final states on them, which a `Recorder` has written.
    step
        As for `window_losses`.
    dense_head
        See `Comparison`, for an export of a model that has other weights outside its blocks. None: the models
        cannot be compared.
    """
    comparison = None
    if dense_head is not None:
        comparison = Comparison(states, placement.model, dense_head, length=windows.shape[1])
    losses = window_losses(placement.model, windows, placement=placement, step=step, observe=comparison)
    size = sum(path.stat().st_size for path in directory.glob(f"*{WEIGHTS}"))
    fidelity = comparison.result() if comparison else None
    return Measured(losses, perplexity_over(windows, losses), fidelity, size)
