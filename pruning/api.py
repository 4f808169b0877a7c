"""The public functions of the library: on a model in memory, and from a recipe to a directory."""

from collections.abc import Collection, Sequence
from itertools import product
from pathlib import Path

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from pruning.calibration.gradient_pass import gradient_norms as gradient_norms_of
from pruning.calibration.window_norms import GradientNorms
from pruning.data.calibration import calibration_set
from pruning.data.windows import Reader
from pruning.errors import InvalidInput
from pruning.methods.prune_blocks import prune as prune_blockwise
from pruning.methods.results import Pruned
from pruning.models.blocks import prunable_stack
from pruning.pipeline.run import RunRequest, Services, run
from pruning.progress import Progress, Silent, Step
from pruning.recipe import Calibration, Evaluation, GradientNorm, LayerSelection, Recipe
from pruning.recipe.exports import parse_exports
from pruning.report import Report


def _ignore(done: int, total: int) -> None:
    """Report nothing."""


def _check_windows(windows: Tensor, model: PreTrainedModel) -> None:
    """Raise InvalidInput(field='windows') for what no model can read, or this one cannot."""
    if windows.ndim != 2 or windows.dtype != torch.int64 or len(windows) < 1 or windows.shape[1] < 2:
        raise InvalidInput(
            "windows must be int64 (windows, length), at least one of at least two tokens, not "
            f"{windows.dtype} of shape {tuple(windows.shape)}",
            field="windows",
        )
    low, high, last = int(windows.min()), int(windows.max()), model.config.get_text_config().vocab_size - 1
    if low < 0 or high > last:
        raise InvalidInput(
            f"windows have token ids from {low} to {high}; the model's vocabulary ends at {last}",
            field="windows",
        )


def calibration_windows(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, calibration: Calibration
) -> Tensor:
    """Draw the token windows that a calibration asks for.

    Parameters
    ----------
    model
        The model that will read the windows: its vocabulary and context length bound them.
    tokenizer
        Encodes the texts, with the special tokens that it adds by itself.
    calibration
        Datasets, number and length of the windows, seed. Equal arguments give equal windows.

    Returns
    -------
    Tensor
        Token ids, int64 (samples, length), on the CPU.

    Raises
    ------
    InvalidInput
        If a dataset or a number of the calibration cannot be met; `field` names which.
    Unreachable
        If a dataset of the Hugging Face Hub cannot be loaded.
    """
    config = model.config.get_text_config()
    reader = Reader(tokenizer, config.vocab_size, getattr(config, "max_position_embeddings", None))
    return calibration_set(calibration, reader).windows


def gradient_norms(
    model: PreTrainedModel,
    windows: Tensor,
    *,
    norms: Collection[GradientNorm] = frozenset({"l1"}),
    layers: LayerSelection = LayerSelection(),  # noqa: B008 - immutable
    deterministic: bool = True,
    step: Step = _ignore,
) -> GradientNorms:
    """Compute, per weight, the norm over windows of the gradient of the loss.

    The loss of a window is the mean next-token cross-entropy of its length - 1 predictions. Gradients are
    formed and added up during the backward pass; no parameter gets a `.grad`.

    Parameters
    ----------
    model
        A decoder-only model, with all weights on the device that computes. It is left frozen and in eval
        mode.
    windows
        Token ids, int64 (windows, length), of at least two tokens.
    norms
        `l1`, the sum of |g| over the windows; `l2`, the square root of the sum of g²; or both.
    layers
        Which linear layers of the decoder blocks.
    deterministic
        Give equal bits for equal inputs on CUDA, too. It needs `CUBLAS_WORKSPACE_CONFIG=:4096:8` in the
        environment from before torch is imported. A CPU always gives equal bits.
    step
        Called after each micro-batch of windows.

    Returns
    -------
    Mapping[str, Mapping[str, Tensor]]
        By norm and layer name: (outputs, inputs), float32, or float64 for a float64 model, on the model's
        device.

    Raises
    ------
    InvalidInput
        If the model cannot be pruned block by block, the windows are not of its tokens, the selection matches
        no layer, or the environment does not allow deterministic gradients.
    NumericalFailure
        If a gradient is not finite; the message names the layer.
    """
    _check_windows(windows, model)
    return gradient_norms_of(
        model, windows, norms=norms, step=step, selection=layers, deterministic=deterministic
    )


def prune(
    model: PreTrainedModel,
    recipe: Recipe,
    windows: Tensor | None = None,
    *,
    gradients: GradientNorms | None = None,
    deterministic: bool = True,
    step: Step = _ignore,
) -> Pruned:
    """Prune a model in place.

    Of the recipe, `model`, `calibration`, `gradients` and `dtype` are not read: the model, the windows and
    the gradient norms are those that are passed, and the computation is in the dtype of the model.

    Parameters
    ----------
    model
        A decoder-only model, with all weights on the device that computes. It is left frozen and in eval
        mode.
    recipe
        Method, pattern, sparsity, allocation, layers, refit and order. One that masks nothing, cuts, or
        trains the whole model is refused.
    windows
        Calibration windows: token ids, int64 (windows, length). May be left out if `recipe.needs` is
        empty.
    gradients
        From `gradient_norms` on the dense model. Computed from `windows` if the recipe needs them and none
        are given.
    deterministic
        As for `gradient_norms`, where they are computed here.
    step
        Called after each pruned block.

    Returns
    -------
    Pruned
        The zeros and the relative error of each layer, the overall sparsity, the masks and the warnings.

    Raises
    ------
    InvalidInput
        If the model or the recipe cannot be used, before any weight is changed; `field` names what is wrong.
    NumericalFailure
        If a layer's scores or new weights are not finite; the message names the layer. Earlier blocks are
        pruned already.
    """
    if recipe.norms or recipe.structure is not None:
        field, does = ("norms", "gradient_norms") if recipe.norms else ("structure", "prune_to_directory")
        raise InvalidInput(f"prune only masks, by a method; for {field} call {does}", field=field)
    if not recipe.masks:
        raise InvalidInput(
            "method none prunes nothing; name another, or export the model with prune_to_directory",
            field="method",
        )
    if recipe.distil is not None:
        raise InvalidInput(
            "prune does not train the whole model; prune_to_directory does", field="recovery.distil"
        )
    if windows is None and recipe.needs:
        needs = ", ".join(sorted(recipe.needs))
        raise InvalidInput(f"this recipe needs calibration windows, to measure {needs}", field="windows")
    if windows is not None:
        _check_windows(windows, model)
    norms = recipe.gradient_norms
    if gradients is None and windows is not None and norms:
        gradients = gradient_norms(
            model, windows, norms=norms, layers=recipe.layers, deterministic=deterministic
        )
    gradients = gradients or {}
    if missing := sorted(norms - gradients.keys()):
        raise InvalidInput(
            f"this recipe needs the norms {', '.join(missing)}, which these gradients do not have; compute "
            "them with gradient_norms, or leave gradients out",
            field="gradients",
        )
    for layer, norm in product(prunable_stack(model, recipe).layers, sorted(norms)):
        found = gradients[norm].get(layer.name)
        if found is None or found.shape != layer.matrix.shape:
            raise InvalidInput(
                f"these gradients have no {norm} norms of layer {layer.name} in its shape; compute them on "
                "this model for the recipe's layers",
                field="gradients",
            )
    return prune_blockwise(model, recipe, windows, gradients, step=step)


def prune_to_directory(  # noqa: PLR0913 - the options of a run
    recipe: Recipe,
    output: Path,
    *,
    evaluation: Evaluation = Evaluation(),  # noqa: B008 - immutable
    device: str = "auto",
    deterministic: bool = True,
    save_masks: bool = False,
    exports: Sequence[str] = (),
    hub_token: str | None = None,
    progress: Progress = Silent(),  # noqa: B008 - without state
) -> Report:
    """Run a whole recipe: load the model, prune it, measure it, and write a checkpoint with a report.

    The weights are streamed through the device block by block, so the model may be larger than its memory.
    `pruning.pipeline.run.run` takes the same request and more, such as a store from which an interrupted run
    resumes.

    Parameters
    ----------
    recipe
        Everything that decides the pruned weights.
    output
        The directory of the pruned model. It must not exist, and appears complete or not at all.
    evaluation
        The texts and tasks on which the dense and the pruned model are measured.
    device
        `auto`, `cpu`, `cuda` or `cuda:N`; or GPUs that share the model, such as `cuda:0,cuda:1`.
    deterministic
        As for `gradient_norms`.
    save_masks
        Also write `masks.safetensors`, one bit per weight.
    exports
        Names of files that engines serve, such as `gguf:Q4_K_M` or `compressed-tensors:fp8`: each is written
        below `exports/` of the output, and measured. They need the extra `engines`. Or `mask`, which
        `apply_mask` reads.
    hub_token
        A token of the Hugging Face Hub, used for the model only.
    progress
        Receives every step. An exception that it raises ends the run between two steps.

    Returns
    -------
    Report
        Perplexities, sparsity and error per layer, time and peak memory per stage, versions, fingerprints. It
        is also written to `pruning_report.json`.

    Raises
    ------
    InvalidInput
        If the recipe cannot be run as it is; `field` names what is wrong. Before expensive work if possible.
    NumericalFailure
        If a layer's numbers are not finite; the message names the layer.
    Unreachable
        If the Hugging Face Hub does not answer.
    PruningError
        If the disk has no room for the output.
    """
    request = RunRequest(
        recipe,
        evaluation,
        output,
        device=device,
        deterministic=deterministic,
        save_masks=save_masks,
        exports=parse_exports(exports),
    )
    return run(request, Services(progress=progress, hub_token=hub_token))
