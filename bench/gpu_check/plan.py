"""The plan: what is checked, in order of value, and how many seconds each check may take.

A check is a function of one `Context` in a module of this package, which defines its size on a GPU
next to its toy size. The seconds add up to 540, so that the plan fits into a command of ten minutes.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One check."""

    number: int
    name: str
    proves: str
    seconds: float  # what the check may take on a GPU
    function: str  # module:function in this package

    @property
    def file(self) -> str:
        """The name of the check's result and log, without an ending."""
        return f"{self.number:02}-{self.name}"


PLAN = (
    Check(
        0,
        "versions",
        "the packages and the device are there, and pass a worker's self-test; float32 stays float32",
        25,
        "machine:versions",
    ),
    Check(
        1,
        "first-reset",
        "in a fresh process, peak statistics of the device 'auto' can be reset and read",
        8,
        "machine:first_reset",
    ),
    Check(
        2,
        "kernel-tests",
        "the fused gradient kernel compiles here and gives the sums of a naive calculation; so do products "
        "of 16-bit numbers that are added in float32, and SparseGPT's kernel prunes as torch does",
        25,
        "kernel:own_tests",
    ),
    Check(
        3,
        "schedules",
        "small Llama (grouped-query attention) and Mixtral: both schedules, and every place for block "
        "inputs, give the same norms, which are autograd's",
        45,
        "schedules:agree",
    ),
    Check(
        4,
        "masks",
        "equal scores give equal masks on CPU and device; so does a whole run in float32",
        15,
        "runs:agree",
    ),
    Check(
        5,
        "recovery",
        "a pass that runs out of memory halves its micro-batch, one that is cut resumes, a block is retried",
        25,
        "schedules:recover",
    ),
    Check(
        6,
        "constants",
        "the rates that the arithmetic assumes; pinned memory",
        30,
        "constants:measure",
    ),
    Check(
        7,
        "kernel-speed",
        "the fused kernel beats matrix products and elementwise passes, with float32 tokens",
        25,
        "kernel:speed",
    ),
    Check(
        8,
        "streamed-7b",
        "7B shape, `streamed`, l1, 128 windows of 2048, with 12 GB of device memory",
        90,
        "shapes:streamed_7b",
    ),
    Check(
        9,
        "whole-7b",
        "7B shape, `whole`, l1, 128 windows of 2048",
        60,
        "shapes:whole_7b",
    ),
    Check(
        10,
        "streamed-70b",
        "70B shape, 4 blocks, `streamed`, l1, with 24 GB of device memory",
        45,
        "shapes:streamed_70b",
    ),
    Check(
        11,
        "prune",
        "2 blocks of the 7B shape with a resume store: Wanda, GBLM, SparseGPT and `best`, times 16; 1 block "
        "of the 70B shape: SparseGPT and `best`, times 80",
        80,
        "shapes:prune",
    ),
    Check(
        12,
        "evaluate",
        "8 blocks of the 7B shape, 166 windows of 2048; 4 that stay on the host; one of the Mixtral shape",
        17,
        "shapes:evaluate",
    ),
    Check(
        13,
        "several-gpus",
        "GPUs that share 8 blocks of the 7B shape, both schedules and evaluation, against one of them",
        15,
        "several:share",
    ),
    Check(
        14,
        "features",
        "at toy size, from text to report: an order of channels, swaps, allocations by outliers and by "
        "gradients, a distillation, cuts of channels and experts, speed",
        35,
        "runs:run_all",
    ),
)
