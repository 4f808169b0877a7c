"""The dtype of a job, and how much is computed at a time, for the code that computes and for estimates.

By kind of device: a CPU's pieces fit its cache, a GPU's keep it busy.
"""

FULL_SPEED_TOKENS = {"cpu": 1024, "cuda": 8192}
"""Tokens of a micro-batch, at which matrix products reach full speed; more would only take memory."""
EVALUATED_TOKENS = {"cpu": 2048, "cuda": 8192}
"""Tokens of a batch of an evaluation; more only if one window is longer."""
HEAD_TOKENS = {"cpu": 256, "cuda": 2048}
"""Tokens whose logits are formed at a time, at least."""
DENSE_HEAD_TOKENS = {"cpu": 16, "cuda": 2048}
"""Those of the dense model, with the measured model's logits in memory."""
CHUNK_LOGITS = {"cpu": 1 << 23, "cuda": 1 << 27}
"""Logits that are formed at a time where they are of more tokens than that."""
FLOAT32_TOKENS = 8
"""The first tokens of each window, which a gradient pass in a narrow dtype runs in float32."""
WIDE_LOGITS = {"cpu": 1 << 20, "cuda": 1 << 25}
"""Logits that are converted to float32 at a time, for each of which a few such tensors exist."""
SWAPPED_WEIGHTS = {"cpu": 1 << 18, "cuda": 1 << 25}
"""Weights of the rows that are swapped at a time, in float64, with the moments between their candidates."""
STEP_WEIGHTS = {"cpu": 1 << 16, "cuda": 1 << 24}
"""Weights that take a step of a training at a time."""
HELD_STATES = {"cpu": 1 << 26, "cuda": 1 << 29}
"""Bytes of the dense model's final states that a training computes at a time."""
PROBE_TOKENS = 16
"""Tokens of each of the two windows that check whether a model runs block by block."""
SAMPLED_TOKENS = 256
"""Tokens of a layer's input that its relative error is measured on."""


def dtype_of(requested: str, stored: str, device: str, *, has_bfloat16: bool) -> str:
    """Return the dtype that is requested, or for `auto` that of a kind of device and of the stored weights.

    It is float64 for weights stored in it. Otherwise, where the device has instructions for it, it is
    bfloat16; on a GPU it is float16 for weights stored in it, and where there is no bfloat16. Elsewhere it is
    float32. Sums over tokens and windows are always float32 or wider.
    """
    if requested != "auto":
        return requested
    if stored == "float64":
        return stored
    if device == "cpu":
        # CPUs have instructions for bfloat16 only, in which float16 weights would lose three bits.
        return "bfloat16" if stored != "float16" and has_bfloat16 else "float32"
    return "bfloat16" if stored != "float16" and has_bfloat16 else "float16"
