"""How much each stage of a job computes.

With P weights in the blocks' linear layers and T calibration tokens, a forward pass takes 2PT operations, a
backward pass as many for the gradients of activations, and as many again for δᵀx. So gradients take 6PT when
the whole model is kept at once, 8PT when each block runs forward a second time, and 10PT when its input has
to be computed again as well. Pruning runs every window through each block twice.
"""

from dataclasses import dataclass
from typing import Self

from pruning.estimate.shape import ModelShape
from pruning.recipe import Evaluation, Recipe

_USUAL_LENGTH = 2048
_USUAL_EVALUATION_TOKENS = 340_000  # WikiText-2's test split has about so many for a vocabulary of 32,000

# Of a flash-attention kernel's backward pass, which forms the scores once more: five products for two.
_ATTENTION_BACKWARD = 2.5
# Scoring a weight and finding the lowest of a row, in bytes of memory traffic that take as long.
_BYTES_TO_SELECT = 250
# A logit and its gradient are written and read several times, in float32.
_BYTES_PER_LOGIT = 40

# Of a zero-shot task: examples, choices, and tokens of each choice with its context. What the harness's own
# definitions come to, roughly; any other task is taken for one of the middle.
_TASKS = {
    "arc_challenge": (1172, 4, 50),
    "arc_easy": (2376, 4, 45),
    "boolq": (3270, 2, 170),
    "hellaswag": (10_042, 4, 110),
    "openbookqa": (500, 4, 25),
    "rte": (277, 2, 90),
    "winogrande": (1267, 2, 30),
}
_ANY_TASK = (1000, 4, 60)


@dataclass(frozen=True)
class Work:
    """Floating-point operations of matrix products, those within attention, and bytes moved beside them."""

    products: float = 0.0
    attention: float = 0.0
    traffic: float = 0.0

    def __add__(self, other: "Work") -> "Work":
        """Both."""
        return Work(
            self.products + other.products, self.attention + other.attention, self.traffic + other.traffic
        )

    def __mul__(self, times: float) -> "Work":
        """So many times."""
        return Work(self.products * times, self.attention * times, self.traffic * times)

    @property
    def operations(self) -> float:
        """Of all products."""
        return self.products + self.attention


@dataclass(frozen=True)
class Windows:
    """Token windows of one length."""

    count: int
    length: int

    @property
    def tokens(self) -> int:
        """In all of them."""
        return self.count * self.length

    @classmethod
    def of_calibration(cls, recipe: Recipe, shape: ModelShape) -> Self:
        """What the recipe's calibration set will be."""
        wanted = recipe.calibration
        return cls(wanted.samples, wanted.sequence_length or _usual_length(shape))

    @classmethod
    def of_evaluation(cls, evaluation: Evaluation, shape: ModelShape) -> Self:
        """All texts together; how long a text is shows only when it is read."""
        length = evaluation.sequence_length or _usual_length(shape)
        each = evaluation.windows or max(1, _USUAL_EVALUATION_TOKENS // (evaluation.stride or length))
        return cls(each * len(evaluation.texts), length)


def forward(shape: ModelShape, windows: Windows) -> Work:
    """Through all blocks once."""
    active = sum(block.active for block in shape.blocks)
    # Each query meets half of the window's keys, and two products are formed with each pair.
    width = sum(block.attention for block in shape.blocks)
    return Work(2 * active * windows.tokens, 2 * width * windows.length * windows.tokens)


def head(shape: ModelShape, windows: Windows) -> Work:
    """Logits and their loss."""
    logits = shape.vocabulary * windows.tokens
    return Work(products=2 * shape.hidden * logits, traffic=_BYTES_PER_LOGIT / 2 * logits)


def gradients(shape: ModelShape, windows: Windows, *, norms: int, passes: int) -> Work:
    """`passes`: how often the blocks run forward: 1 for `whole`, 2 for `streamed`, 3 where block inputs are
    computed again."""
    once = forward(shape, windows)
    backward = Work(2 * once.products, _ATTENTION_BACKWARD * once.attention)
    accumulated = (4 + 8 * norms) * shape.block_weights * windows.count
    return once * passes + backward + head(shape, windows) * 2 + Work(traffic=accumulated)


def pruning(recipe: Recipe, shape: ModelShape, windows: Windows) -> Work:
    """Statistics, scores and masks, and what the method and the refit solve."""
    work = Work(traffic=_BYTES_TO_SELECT * shape.block_weights)
    measured = recipe.needs & {"input_norms", "second_moments"}
    if measured:
        once = forward(shape, windows)
        walks = 2.0 if "input_norms" in recipe.allocation.needs else 1.0
        groups = max(len(list(block.inputs)) for block in shape.blocks) if recipe.order == "layers" else 2
        # A group's measurement ends where the group begins, half through the block on average.
        work += once * (walks + (walks if groups == 2 else groups / 2))
    if "second_moments" in recipe.needs:
        moments = sum(
            matrix.inputs**2 * matrix.copies * matrix.share
            for block in shape.blocks
            for matrix in block.inputs
        )
        work += Work(products=2 * moments * windows.tokens)
        if (
            "activation_error" in recipe.needs
        ):  # the dense hidden states take the same walks, and are compared
            work += Work(products=2 * moments * windows.tokens) + once * (walks + groups / 2)
    solved = sum(
        matrix.copies * _operations_to_solve(recipe, matrix.outputs, matrix.inputs)
        for block in shape.blocks
        for matrix in block.matrices
    )
    return work + Work(products=solved)


def evaluation(wanted: Evaluation, shape: ModelShape) -> Work:
    """Of the dense and of the pruned model."""
    windows = Windows.of_evaluation(wanted, shape)
    work = forward(shape, windows) + head(shape, windows)
    for task in wanted.tasks:
        examples, choices, length = _TASKS.get(task, _ANY_TASK)
        asked = Windows(min(examples, wanted.task_limit or examples) * choices, length)
        work += forward(shape, asked) + head(shape, asked)
    return work * 2


def _operations_to_solve(recipe: Recipe, outputs: int, inputs: int) -> float:
    solved = recipe.method.operations(outputs, inputs)
    return solved + (recipe.refit.operations(outputs, inputs) if recipe.refit else 0.0)


def _usual_length(shape: ModelShape) -> int:
    return min(_USUAL_LENGTH, shape.context or _USUAL_LENGTH)
