"""The operations of each stage of a job, and what the measurement of speed runs.

With P weights in the blocks' linear layers and T calibration tokens, a forward pass takes 2PT operations, a
backward pass 2PT for the gradients of activations and another 2PT for δᵀx. So gradients take 6PT on the
schedule `whole`, 8PT if each block runs forward a second time, and 10PT if its input is recomputed as well.
Pruning runs every window through each block twice.
"""

from dataclasses import astuple, dataclass
from typing import Literal, Self

from pruning.estimate.shape import BYTES, ModelShape, ranked_readers, unit_readers
from pruning.recipe import DistilOptions, Evaluation, Recipe, StructureOptions, group_of
from pruning.recipe.datasets import DEFAULT_SEQUENCE_LENGTH
from pruning.recipe.recovery import HELD_OUT_WINDOWS

Phase = Literal["prefill", "decode"]

PHASES: tuple[Phase, ...] = ("prefill", "decode")
BATCHES = (1, 8)
SPEED_PAIRS = 7
"""Pairs of runs behind a median; one more runs before them and is not counted."""
MIN_SPEED_PAIRS = 3
"""Minimum number of pairs, where time is short."""
MAX_SPEED_TIME_SHARE = 0.1
"""Maximum time of the measurement, as a share of the run's time before; `MIN_SPEED_PAIRS` may exceed it."""

# A CPU computes a prompt of 64 tokens at its full rate; a GPU needs a longer one for that.
_PROMPT = {"cpu": 64, "cuda": 512}
_GENERATED = {"cpu": 8, "cuda": 32}


@dataclass(frozen=True)
class SequenceLengths:
    """The tokens of each measured sequence."""

    prompt: int
    generated: int

    @classmethod
    def on(cls, device: str, context: int | None) -> Self:
        """Return the lengths for a kind of device, and a model of this context length (None: no bound)."""
        prompt, generated = _PROMPT[device], _GENERATED[device]
        if context is not None:
            generated = min(generated, max(1, context // 2))
            prompt = min(prompt, max(1, context - generated))
        return cls(prompt, generated)

    def tokens(self, phase: Phase) -> int:
        """Return the tokens of one sequence that a phase is measured by."""
        return self.prompt if phase == "prefill" else self.generated


EXPORT_WINDOWS, EXPORT_LENGTH = 8, 512
"""The windows that exports are measured on where a request gives no number, since an engine may have the
processor alone; at most so many, and of so many tokens."""

_DEFAULT_EVALUATION_TOKENS = 340_000  # about the size of WikiText-2's test split for a vocabulary of 32,000
# Texts whose length is known, in tokens of a small vocabulary.
EVALUATION_TOKENS = {
    "builtin": 28_000,
    "builtin-code": 63_000,
    "builtin-math": 68_000,
    "builtin-german": 4_500,
}

# Backward over forward operations of a flash-attention kernel, which recomputes the scores: five to two.
_ATTENTION_BACKWARD = 2.5
# The cost of scoring a weight and finding the lowest of a row, as bytes of memory traffic.
_BYTES_TO_SELECT = 250
# A step of Adam reads and writes a weight, its gradient and two moments in float32, and intermediate results.
_BYTES_TO_STEP = 80
# With moments in 8 bits it decodes and encodes them, which takes a core eight times as long.
_BYTES_TO_STEP_IN_8_BITS = 8 * _BYTES_TO_STEP
# Of the search for an order of channels: its rounds at most, and the cost of a difference of two scores as
# bytes of memory traffic.
_ORDER_ROUNDS = 4
_BYTES_PER_DIFFERENCE = 4
_JUDGEMENTS = 9  # of a training, at most
# A logit and its gradient are written and read several times, in float32.
_BYTES_PER_LOGIT = 40

# Examples, choices, and tokens per choice with its context, of zero-shot tasks: roughly those of the
# harness's own definitions. Other tasks are assumed to be average.
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
    """Floating-point operations of matrix products and of attention, and bytes of other memory traffic."""

    products: float = 0.0
    attention: float = 0.0
    traffic: float = 0.0
    moments: float = 0.0
    """Operations for second moments: on a CPU in float32 whatever the job's dtype is."""
    solved: float = 0.0
    """Operations of solvers and factorisations, always in float32."""

    def __add__(self, other: "Work") -> "Work":
        return Work(*(mine + others for mine, others in zip(astuple(self), astuple(other), strict=True)))

    def __mul__(self, times: float) -> "Work":
        return Work(*(mine * times for mine in astuple(self)))

    @property
    def operations(self) -> float:
        """The floating-point operations of all products."""
        return self.products + self.attention + self.moments + self.solved


@dataclass(frozen=True)
class Windows:
    """Token windows of one length."""

    count: int
    length: int

    @property
    def tokens(self) -> int:
        """The tokens of all windows."""
        return self.count * self.length

    @classmethod
    def of_calibration(cls, recipe: Recipe, shape: ModelShape) -> Self:
        """Return the windows of the recipe's calibration set."""
        wanted = recipe.calibration
        return cls(wanted.samples, wanted.sequence_length or _default_length(shape))

    @classmethod
    def of_evaluation(cls, evaluation: Evaluation, shape: ModelShape) -> Self:
        """Return the windows of all texts. Most lengths are assumed, as texts are not read."""
        length = evaluation.sequence_length or _default_length(shape)
        count = 0
        for _, dataset in evaluation.texts:
            whole = max(1, EVALUATION_TOKENS.get(dataset, _DEFAULT_EVALUATION_TOKENS) // length)
            asked = evaluation.windows or whole
            count += min(asked, whole) if dataset in EVALUATION_TOKENS else asked
        return cls(count, length)

    @classmethod
    def of_exports(cls, evaluation: Evaluation, shape: ModelShape) -> Self:
        """Return the windows that exports are measured on: few and short ones without a number of windows."""
        first = evaluation.model_copy(update={"domains": {}})
        windows = cls.of_evaluation(first, shape)
        if evaluation.windows is not None:
            return windows
        return cls(min(EXPORT_WINDOWS, windows.count), min(EXPORT_LENGTH, windows.length))


def forward(shape: ModelShape, windows: Windows) -> Work:
    """Return the work of one forward pass through all blocks."""
    active = sum(block.active for block in shape.blocks)
    # Each query attends to half of the window's keys on average, with two products per pair.
    width = sum(block.attention for block in shape.blocks)
    return Work(2 * active * windows.tokens, 2 * width * windows.length * windows.tokens)


def head(shape: ModelShape, windows: Windows) -> Work:
    """Return the work of the logits and their loss."""
    logits = shape.vocabulary * windows.tokens
    return Work(products=2 * shape.hidden * logits, traffic=_BYTES_PER_LOGIT / 2 * logits)


def gradients(shape: ModelShape, windows: Windows, *, norms: int, passes: int) -> Work:
    """Return the work of gradient norms.

    `passes` is the number of forward passes: 1 for `whole`, 2 for `streamed`, 3 if inputs are recomputed.
    """
    once = forward(shape, windows)
    backward = Work(2 * once.products, _ATTENTION_BACKWARD * once.attention)
    accumulated = (4 + 8 * norms) * shape.block_weights * windows.count
    return once * passes + backward + head(shape, windows) * 2 + Work(traffic=accumulated)


def pruning(recipe: Recipe, shape: ModelShape, windows: Windows) -> Work:
    """Return the work of statistics, scores and masks, and of the solvers of method and refit.

    No work for a recipe that masks nothing.
    """
    if not recipe.masks:
        return Work()
    work = Work(traffic=_BYTES_TO_SELECT * shape.block_weights)
    measured = recipe.needs & {"input_norms", "second_moments"}
    if measured:
        once = forward(shape, windows)
        walks = 2.0 if "input_norms" in recipe.allocation.needs else 1.0
        groups = (
            max(len({matrix.group for matrix in block.inputs}) for block in shape.blocks)
            if recipe.order == "layers"
            else 2
        )
        # The measurement of a group ends where the group begins, halfway through the block on average.
        work += once * (walks + (walks if groups == 2 else groups / 2))
    if "second_moments" in recipe.needs:
        moments = sum(
            matrix.inputs**2 * matrix.copies * matrix.share
            for block in shape.blocks
            for matrix in block.inputs
        )
        work += Work(moments=2 * moments * windows.tokens)
        if (
            "activation_error" in recipe.needs
        ):  # the dense hidden states take the same walks, and are compared
            work += Work(moments=2 * moments * windows.tokens) + once * (walks + groups / 2)
    if recipe.permute:
        work += _permutation(recipe, shape) + forward(shape, windows)
    solved = sum(
        matrix.copies * _operations_to_solve(recipe, matrix.outputs, matrix.inputs)
        for block in shape.blocks
        for matrix in block.matrices
    )
    return work + Work(solved=solved)


def _permutation(recipe: Recipe, shape: ModelShape) -> Work:
    """Return the work of choosing orders: of the MLP's channels; that of value heads is negligible.

    In each of four rounds, each place of a group takes the distances between what the groups have there.
    """
    group = group_of(recipe.pattern)
    size = group[1] if group else 1
    read = [
        matrix
        for block in shape.blocks
        for matrix in unit_readers(block, shape.hidden)
        if matrix.copies == 1 == matrix.share and matrix.inputs != block.attention
    ]
    distances = sum(matrix.inputs**2 * matrix.outputs for matrix in read) / size
    return Work(traffic=_ORDER_ROUNDS * _BYTES_PER_DIFFERENCE * distances)


def cutting(structure: StructureOptions, shape: ModelShape, windows: Windows) -> Work:
    """Return the work of second moments, ranks and repairs, and of the walk through all blocks."""
    read = [matrix for block in shape.blocks for _, matrix in ranked_readers(shape, block, structure)]
    moments = sum(matrix.inputs**2 * matrix.copies * matrix.share for matrix in read)
    solved = sum(matrix.copies * structure.operations(matrix.outputs, matrix.inputs) for matrix in read)
    # Through each block: up to the end of the attention, up to that of the MLP, and once more when it is cut.
    walk = forward(shape, windows) * 2.5
    return walk + Work(moments=2 * moments * windows.tokens, solved=solved)


def whole_model_training(
    options: DistilOptions,
    shape: ModelShape,
    length: int,
    *,
    smaller: ModelShape | None = None,
    again: float,
    in_8_bits: bool,
) -> Work:
    """Return the work of training the whole model, and of its evaluations on held-out windows.

    The dense and the pruned model run forward, the latter also backward for its activations and its weights:
    8PT, and 2PT for the share of its blocks that run `again`. Of the `smaller` model that a cut has left,
    head and embeddings are trained as well.
    """
    trained = Windows(options.tokens // length, length)
    judged = Windows(_JUDGEMENTS * HELD_OUT_WINDOWS, length)
    pruned = smaller or shape
    once, of_logits = forward(pruned, trained), head(shape, trained)
    backward = Work(2 * once.products, _ATTENTION_BACKWARD * once.attention)
    steps = -(-trained.count // max(1, options.tokens_per_step // length))
    of_step = _BYTES_TO_STEP_IN_8_BITS if in_8_bits else _BYTES_TO_STEP
    weights = pruned.trained_weights(cut=smaller is not None)
    moved = Work(traffic=of_step * weights * steps)
    held_out = Windows(HELD_OUT_WINDOWS, length)  # whose dense final states are kept
    judgements = forward(shape, held_out) + forward(pruned, judged) + head(shape, judged) * 2
    of_head = of_logits * 2 if smaller else of_logits
    return (
        forward(shape, trained) + once * (1 + again) + of_logits * 2 + backward + of_head + moved + judgements
    )


def evaluation(wanted: Evaluation, shape: ModelShape) -> Work:
    """Return the work of evaluating one model.

    The dense logits are formed once more for the comparison with the pruned model; half of that counts here.
    """
    windows = Windows.of_evaluation(wanted, shape)
    work = forward(shape, windows) + head(shape, windows) * 1.5
    for task in wanted.tasks:
        examples, choices, length = _TASKS.get(task, _ANY_TASK)
        asked = Windows(min(examples, wanted.task_limit or examples) * choices, length)
        work += forward(shape, asked) + head(shape, asked)
    return work


def speed(dense: ModelShape, smaller: ModelShape, dtype: str, device: str, *, pairs: int) -> Work:
    """Return the work of all pairs of runs of both models, with the one before them, and of peak memory."""
    lengths = SequenceLengths.on(device, dense.context)
    runs = dict.fromkeys(BATCHES, pairs + 1)
    runs[max(BATCHES)] += 1
    work = Work()
    for shape in (dense, smaller):
        for batch, count in runs.items():
            # Of a run that decodes, the prompt is computed once.
            caches = 2 if batch == max(BATCHES) else 1
            work += forward(shape, Windows(batch * (count + caches), lengths.prompt))
            # Each token reads all weights, once for the whole batch.
            work += Work(traffic=shape.parameters * BYTES[dtype] * lengths.generated * count)
    return work


def _operations_to_solve(recipe: Recipe, outputs: int, inputs: int) -> float:
    solved = recipe.mask_method.operations(outputs, inputs)
    if recipe.swaps:  # a product with the second moments, in float64
        solved += 2 * 2.0 * outputs * inputs**2
    return solved + (recipe.refit.operations(outputs, inputs) if recipe.refit else 0.0)


def _default_length(shape: ModelShape) -> int:
    return min(DEFAULT_SEQUENCE_LENGTH, shape.context or DEFAULT_SEQUENCE_LENGTH)
