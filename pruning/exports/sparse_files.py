"""Files of a model without its weights: headers with the shapes, and holes that take no room on the disk.

The converter and llama.cpp compare shapes with a config, and look at no weight for that.
"""

import json
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

_DTYPE, _DTYPE_BYTES = "F16", 2
MOST_BYTES_OF_ELEMENT = 4
"""Of a file that `write_gguf` makes: some tensors are in 32 bits."""


def write_safetensors(shapes: Mapping[str, Sequence[int]], file: Path) -> None:
    """Write tensors of these shapes, by name."""
    header, end = {}, 0
    for name, shape in shapes.items():
        start, end = end, end + _DTYPE_BYTES * prod(shape)
        header[name] = {"dtype": _DTYPE, "shape": [*shape], "data_offsets": [start, end]}
    content = json.dumps(header).encode()
    with file.open("wb") as opened:
        opened.write(len(content).to_bytes(8, "little") + content)
        opened.truncate(opened.tell() + end)


def write_gguf(made: Any) -> None:  # noqa: ANN401 - of the converter
    """Do what the converter's `write` does, but for the weights."""
    made.prepare_tensors()
    made.prepare_metadata(vocab_only=False)
    writer = made.gguf_writer
    writer.write_header_to_file(path=made.fname_out)
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    [opened], [tensors], alignment = writer.fout, writer.tensors, writer.data_alignment
    sizes = (opened.tell(), *(tensor.nbytes for tensor in tensors.values()))
    opened.truncate(sum(writer.ggml_pad(size, alignment) for size in sizes))
    writer.close()
