"""The linear layers inside a decoder block: modules, and the matrices of fused experts.

The rest of the library sees a named matrix (outputs, inputs), whatever module or parameter stores it.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from transformers.models.llama4.modeling_llama4 import Llama4TextExperts
from transformers.pytorch_utils import Conv1D

# Attributes that transformers' fused experts classes have, whatever the architecture; but Llama 4's, which is
# given them below.
_FUSED_EXPERTS_ATTRIBUTES = (
    "num_experts",
    "has_gate",
    "has_bias",
    "is_transposed",
    "is_concatenated",
    "down_proj",
)


def _llama4_gate(experts: Any, gate_and_up: Tensor) -> Tensor:  # noqa: ANN401 - a module without types
    gate, up = gate_and_up.chunk(2, dim=-1)
    return up * experts.act_fn(gate)  # type: ignore[no-any-return]


for _name in ("has_gate", "is_transposed", "is_concatenated"):
    setattr(Llama4TextExperts, _name, True)
Llama4TextExperts.has_bias, Llama4TextExperts._apply_gate = False, _llama4_gate


_ROUTERS = ("gate", "router")


@dataclass(frozen=True)
class LinearLayer(ABC):
    """A weight matrix W (outputs, inputs) that a block applies as y = x·Wᵀ (+ bias)."""

    name: str
    module: nn.Module

    @property
    @abstractmethod
    def parameter_name(self) -> str:
        """The model's name of the parameter that stores the matrix, possibly with others."""

    @property
    @abstractmethod
    def parameter(self) -> nn.Parameter:
        """The parameter that stores the matrix."""

    @abstractmethod
    def as_matrix(self, stored: Tensor) -> Tensor:
        """Return this layer's part of a tensor shaped like the parameter, as a view (outputs, inputs)."""

    @property
    def matrix(self) -> Tensor:
        """The weight, as a view (outputs, inputs): writing to it changes the model."""
        return self.as_matrix(self.parameter.detach())

    @property
    def outputs(self) -> int:
        """Number of output features, the rows of the matrix."""
        return self.matrix.shape[0]

    @property
    def inputs(self) -> int:
        """Number of input features, the columns of the matrix."""
        return self.matrix.shape[1]


@dataclass(frozen=True)
class ModuleLayer(LinearLayer):
    """A layer that is a module: nn.Linear, or GPT-2's Conv1D, which stores Wᵀ."""

    @property
    def parameter_name(self) -> str:
        return f"{self.name}.weight"

    @property
    def parameter(self) -> nn.Parameter:
        weight = self.module.weight
        assert isinstance(weight, nn.Parameter)  # noqa: S101 - what nn.Linear and Conv1D promise
        return weight

    def as_matrix(self, stored: Tensor) -> Tensor:
        return stored.T if isinstance(self.module, Conv1D) else stored


@dataclass(frozen=True)
class ExpertLayer(LinearLayer):
    """One matrix of one expert of a fused experts module, whose parameters stack those of all experts.

    Its name is the one that a module per expert would have: `<experts>.<expert>.<matrix>`.
    """

    expert: int
    parameter_in_module: str
    rows: slice  # this layer's part of the parameter's outputs

    @property
    def parameter_name(self) -> str:
        return f"{self.name.rsplit('.', 2)[0]}.{self.parameter_in_module}"

    @property
    def parameter(self) -> nn.Parameter:
        return self.module.get_parameter(self.parameter_in_module)

    def as_matrix(self, stored: Tensor) -> Tensor:
        """`stored`: (experts, outputs, inputs), or (experts, inputs, outputs) where the module transposes."""
        matrix = stored[self.expert]
        return (matrix.T if self.module.is_transposed else matrix)[self.rows]


def linear_layers(block: nn.Module, block_name: str) -> tuple[LinearLayer, ...]:
    """Return the linear layers in a block, in the order in which it defines them.

    Routers are omitted: a layer next to fused experts whose outputs are as many as the experts, or one.

    Parameters
    ----------
    block
        The block's module.
    block_name
        Its name in the model, the prefix of the layers' names.
    """
    modules = dict(block.named_modules())
    fused = [(name, module) for name, module in modules.items() if holds_fused_experts(module)]
    layers: list[LinearLayer] = []
    for name, module in modules.items():
        full_name = f"{block_name}.{name}"
        if isinstance(module, nn.Linear | Conv1D):
            layer = ModuleLayer(full_name, module)
            siblings = [experts for path, experts in fused if name.startswith(path.rpartition(".")[0])]
            if not any(layer.outputs in (1, experts.num_experts) for experts in siblings):
                layers.append(layer)
        elif holds_fused_experts(module):
            layers += expert_layers(module, full_name)
    return tuple(layers)


def holds_fused_experts(module: nn.Module) -> bool:
    """Whether a module runs all routed experts of a block, of any architecture."""
    return all(hasattr(module, attribute) for attribute in _FUSED_EXPERTS_ATTRIBUTES)


def routers_in(block: nn.Module) -> Mapping[str, nn.Module]:
    """Return the modules that choose the experts of each token, by their names in the block."""
    modules = dict(block.named_modules())
    parents = [name.rpartition(".")[0] for name, module in modules.items() if holds_fused_experts(module)]
    paths = (f"{parent}.{own}".strip(".") for parent in parents for own in _ROUTERS)
    return {path: modules[path] for path in paths if path in modules}


def takes_routes(experts: nn.Module) -> bool:
    """Whether fused experts are given the experts of each token; Llama 4's are given the tokens of each."""
    return not isinstance(experts, Llama4TextExperts)


def expert_layers(experts: Any, name: str) -> Iterator[ExpertLayer]:  # noqa: ANN401 - of many classes
    """Yield the matrices of fused experts, expert by expert: gate (if there is one), up, down."""
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
