"""A small model that was converted once."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from transformers import PreTrainedModel

from pruning.exports.engine import Engine
from pruning.exports.gguf import convert
from tests.pruning.exports.checkpoints import write_checkpoint


@dataclass(frozen=True)
class Exported:
    model: PreTrainedModel
    file: Path
    engine: Engine


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A Llama with rows of 256, and of 96 in its down projections, in 32 bits."""
    directory = tmp_path_factory.mktemp("exported")
    model = write_checkpoint(directory / "model", hidden_size=256, intermediate_size=96, num_hidden_layers=2)
    engine = Engine(threads=1)
    file = convert(directory / "model", directory / "small.gguf", dtype="F32", engine=engine).file
    return Exported(model, file, engine)
