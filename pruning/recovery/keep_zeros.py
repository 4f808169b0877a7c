"""A callback that keeps a pruned model's zeros while the Trainer of transformers fine-tunes it."""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from pruning.errors import InvalidInput
from pruning.masks.packed import set_to_zero
from pruning.models.blocks import find_stack


class KeepZeros(TrainerCallback):  # type: ignore[misc]  # transformers has no types
    """Keeps the zeros of a pruned model, bit for bit, while it is trained.

    When the training begins, the zeros of the linear layers in the decoder blocks become masks. From then on
    the gradients of masked weights are zero, so that they count in no norm of gradients and no moment, and
    masked weights are +0.0 after each step, whatever the optimiser.

    Pass it to `Trainer(..., callbacks=[KeepZeros()])`. It works on whole parameters: not where they are
    sharded (FSDP, DeepSpeed's ZeRO 3), and not for adapters such as LoRA's, whose merge fills the zeros.
    """

    def __init__(self) -> None:
        self._masks: dict[nn.Parameter, Tensor] = {}
        self._hooks: list[torch.utils.hooks.RemovableHandle] = []

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: PreTrainedModel | None = None,
        **kwargs: Any,  # noqa: ANN401 - what the Trainer hands to all callbacks
    ) -> None:
        """Take the masks from the model. Raises InvalidInput where it has no zeros that can be kept."""
        layers = find_stack(model).layers if model is not None else ()
        parameters = {layer.parameter: layer.parameter.detach() == 0 for layer in layers}
        self._masks = {one: mask for one, mask in parameters.items() if one.requires_grad and mask.any()}
        if not self._masks:
            raise InvalidInput(
                "the model has no trainable layer with zeros: load a pruned checkpoint, and train it as a "
                "whole on each device, without adapters",
                field="model",
            )
        for parameter, mask in self._masks.items():
            masked = partial(_masked, mask=mask)
            self._hooks.append(parameter.register_hook(masked))  # type: ignore[no-untyped-call]

    def on_optimizer_step(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401 - what the Trainer hands to all callbacks
    ) -> None:
        """Set masked weights to +0.0: what momentum from before, or noise, may have moved."""
        for parameter, mask in self._masks.items():
            set_to_zero(parameter.detach(), mask)

    def on_train_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401 - what the Trainer hands to all callbacks
    ) -> None:
        """Release the model."""
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()
        self._masks.clear()


def _masked(gradient: Tensor, mask: Tensor) -> Tensor:
    masked = gradient.clone()
    set_to_zero(masked, mask)
    return masked
