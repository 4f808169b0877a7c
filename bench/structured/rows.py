"""The rows of the table: what is cut, with how many calibration windows, and by whom."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from transformers import PreTrainedModel

from bench.structured.rivals import Widths, flap, wanda_sp

Rival = Callable[[PreTrainedModel, Tensor, Widths], int]


@dataclass(frozen=True)
class Row:
    """One row: a recipe without model and calibration, the calibration windows, and who cuts."""

    name: str
    recipe: dict[str, Any] | None  # None: the dense model
    samples: int = 16
    rival: Rival | None = None  # in place of ours
    speed: bool = False  # measures tokens per second in place of the perplexity


def _cut(name: str, samples: int = 16, **structure: Any) -> Row:  # noqa: ANN401 - a recipe's fields
    return Row(name, {"structure": structure}, samples)


def _rows_with_baselines(share: float) -> Iterator[Row]:
    name, recipe = f"{share:.0%} of the parameters", {"structure": {"parameters": share}}
    yield Row(name, recipe)
    yield Row(f"{name}, FLAP", recipe, rival=flap)
    yield Row(f"{name}, Wanda-sp", recipe, rival=wanda_sp)


def _speed(name: str, **structure: Any) -> Row:  # noqa: ANN401 - a recipe's fields
    return Row(f"speed, {name}", {"structure": structure}, speed=True)


ROWS = (
    Row("dense", None),
    *(
        _cut(f"a quarter of the channels, {samples} windows", samples, mlp_channels=0.25)
        for samples in (16, 48)
    ),
    *(row for share in (0.2, 0.3, 0.5) for row in _rows_with_baselines(share)),
    _cut("a third of the parameters, 48 windows", 48, parameters=1 / 3),
    *(_cut(f"{count} of the 30 blocks", blocks=count) for count in (3, 6, 10)),
    _cut("5 of the 30 blocks, a fifth of the channels, 48 windows", 48, blocks=5, mlp_channels=0.2),
    _speed("a quarter of the channels", mlp_channels=0.25),
    _speed("a third of the parameters", parameters=1 / 3),
)
