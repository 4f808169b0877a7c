"""The linear layers inside a decoder block: whole modules, and the matrices of fused experts.

Everything else in this library sees matrices (outputs, inputs) under a name, whatever holds them.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

# What transformers' experts classes say of themselves, whatever their architecture.
_OF_FUSED_EXPERTS = ("num_experts", "has_gate", "has_bias", "is_transposed", "is_concatenated", "down_proj")


@dataclass(frozen=True)
class LinearLayer(ABC):
    """A matrix W that a block multiplies with what it is given: y = x·Wᵀ (+ bias)."""

    name: str
    module: nn.Module

    @property
    @abstractmethod
    def parameter_name(self) -> str:
        """The name, in the model, of the parameter that holds the matrix, alone or among others."""

    @property
    @abstractmethod
    def parameter(self) -> nn.Parameter:
        """That parameter."""

    @abstractmethod
    def as_matrix(self, stored: Tensor) -> Tensor:
        """Of a tensor shaped like the parameter, this layer's part as (outputs, inputs): a view."""

    @property
    def matrix(self) -> Tensor:
        """The weight as (outputs, inputs): a view, so that writing to it changes the model."""
        return self.as_matrix(self.parameter.detach())

    @property
    def outputs(self) -> int:
        """Rows of the matrix."""
        return self.matrix.shape[0]

    @property
    def inputs(self) -> int:
        """Columns of the matrix."""
        return self.matrix.shape[1]


@dataclass(frozen=True)
class ModuleLayer(LinearLayer):
    """A module that is one linear layer: nn.Linear, or GPT-2's Conv1D, which stores Wᵀ."""

    @property
    def parameter_name(self) -> str:
        """`<layer>.weight`."""
        return f"{self.name}.weight"

    @property
    def parameter(self) -> nn.Parameter:
        """The weight, as the module stores it."""
        weight = self.module.weight
        assert isinstance(weight, nn.Parameter)  # noqa: S101 - what nn.Linear and Conv1D promise
        return weight

    def as_matrix(self, stored: Tensor) -> Tensor:
        """The whole of it."""
        return stored.T if isinstance(self.module, Conv1D) else stored


@dataclass(frozen=True)
class ExpertLayer(LinearLayer):
    """One matrix of one expert; `module` keeps those of all its experts in 3-dimensional parameters.

    Named as a module of the expert's own would be: `<experts>.<expert>.<matrix>`.
    """

    expert: int
    parameter_in_module: str
    rows: slice  # of the parameter's outputs, those that are this layer's

    @property
    def parameter_name(self) -> str:
        """`<experts>.<parameter>`."""
        return f"{self.name.rsplit('.', 2)[0]}.{self.parameter_in_module}"

    @property
    def parameter(self) -> nn.Parameter:
        """The matrices of all experts."""
        return self.module.get_parameter(self.parameter_in_module)

    def as_matrix(self, stored: Tensor) -> Tensor:
        """`stored`: (experts, outputs, inputs), or (experts, inputs, outputs) where the module transposes."""
        matrix = stored[self.expert]
        return (matrix.T if self.module.is_transposed else matrix)[self.rows]


def linear_layers(block: nn.Module, block_name: str) -> tuple[LinearLayer, ...]:
    """The linear layers in a block, in the order in which it defines them.

    Not among them is what decides which expert gets a token: a layer beside fused experts with one output
    for each of them, or with a single output.
    """
    modules = dict(block.named_modules())
    routed = [(name, module) for name, module in modules.items() if _holds_fused_experts(module)]
    layers: list[LinearLayer] = []
    for name, module in modules.items():
        full_name = f"{block_name}.{name}"
        if isinstance(module, nn.Linear | Conv1D):
            layer = ModuleLayer(full_name, module)
            beside = [experts for path, experts in routed if name.startswith(path.rpartition(".")[0])]
            if not any(layer.outputs in (1, experts.num_experts) for experts in beside):
                layers.append(layer)
        elif _holds_fused_experts(module):
            layers += expert_layers(module, full_name)
    return tuple(layers)


def _holds_fused_experts(module: nn.Module) -> bool:
    return all(hasattr(module, attribute) for attribute in _OF_FUSED_EXPERTS)


def expert_layers(experts: Any, name: str) -> Iterator[ExpertLayer]:  # noqa: ANN401 - of many classes
    """The matrices of fused experts: of each expert its gate, where it has one, its up, and last its down."""
    down = ("down_proj", "down_proj", slice(None))
    if not experts.has_gate:
        matrices = [("up_proj", "up_proj", slice(None)), down]
    else:
        outputs = experts.gate_up_proj.shape[2 if experts.is_transposed else 1]
        gate, up = (
            (slice(outputs // 2), slice(outputs // 2, None))
            if experts.is_concatenated
            else (slice(0, None, 2), slice(1, None, 2))
        )
        matrices = [("gate_proj", "gate_up_proj", gate), ("up_proj", "gate_up_proj", up), down]
    for expert in range(experts.num_experts):
        for matrix, parameter, rows in matrices:
            yield ExpertLayer(f"{name}.{expert}.{matrix}", experts, expert, parameter, rows)
