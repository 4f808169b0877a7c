"""Types and importances of GGUF files, read by the package `gguf`, which is not the code that wrote them."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from gguf import GGUFReader
from gguf.quants import dequantize

from pruning.errors import InvalidInput
from pruning.estimate.architectures import shape_of_config
from pruning.estimate.disk import exported_files
from pruning.exports.gguf import Quantised, convert, quantize
from pruning.exports.types import GGUF_TYPES
from pruning.recipe.exports import parse_exports
from tests.pruning.exports.checkpoints import write_checkpoint
from tests.pruning.exports.conftest import Exported
from tests.tiers import nightly

GATE, GATE_IN_FILE = "model.layers.0.mlp.gate_proj", "blk.0.ffn_gate.weight"


def weights(file: Path, name: str) -> np.ndarray:
    tensor = next(tensor for tensor in GGUFReader(file).tensors if tensor.name == name)
    return dequantize(tensor.data, tensor.tensor_type)


def importances(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Some columns count a thousand times as much as the others."""
    generator = torch.Generator().manual_seed(1)
    return {
        name: 1e-12 * (1 + 999 * (torch.rand(layer.in_features, generator=generator) < 0.1))
        for name, layer in model.named_modules()
        if isinstance(layer, torch.nn.Linear) and name != "lm_head"
    }


class TestTypes:
    def test_a_file_holds_the_weights_to_the_type_s_precision(self, small: Exported, tmp_path: Path) -> None:
        written = quantize(small.file, tmp_path / "q8.gguf", "Q8_0", engine=small.engine)
        expected = small.model.get_submodule(GATE).weight.detach().numpy()
        steps = np.abs(expected).reshape(-1, 32).max(axis=1) / 127
        errors = np.abs(weights(written.file, GATE_IN_FILE) - expected).reshape(-1, 32).max(axis=1)
        assert (errors < 0.57 * steps).all()  # half a step, and 127 of them with a scale of 11 bits
        assert written.types[GATE_IN_FILE] == "Q8_0"
        assert written.bytes == written.file.stat().st_size
        assert written.sha256 == hashlib.sha256(written.file.read_bytes()).hexdigest()

    def test_the_types_are_those_that_the_tensors_have(self, small: Exported, tmp_path: Path) -> None:
        """A row of 96 is not a multiple of 256, so it falls back."""
        written = quantize(small.file, tmp_path / "q4.gguf", "Q4_K_M", engine=small.engine)
        stored = {tensor.name: tensor.tensor_type.name for tensor in GGUFReader(written.file).tensors}
        assert dict(written.types) == stored
        assert stored[GATE_IN_FILE] == "Q4_K"
        assert stored["blk.0.ffn_down.weight"] in ("Q5_0", "Q8_0")

    @pytest.mark.parametrize("name", [*map(nightly, GGUF_TYPES)])
    def test_each_type_is_written(self, name: str, small: Exported, tmp_path: Path) -> None:
        given = importances(small.model) if GGUF_TYPES[name].needs_importance else None
        out = tmp_path / "out.gguf"
        quantize(small.file, out, name, importance=given, engine=small.engine)
        stored = sum(int(tensor.n_bytes) for tensor in GGUFReader(out).tensors)
        shape = shape_of_config(small.model.config.to_dict())
        print(name, exported_files(shape, parse_exports([f"gguf:{name}"])), stored)
        assert 1 / 1.5 < exported_files(shape, parse_exports([f"gguf:{name}"])) / stored < 1.5

    def test_an_unknown_type_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidInput, match="'Q4_7' is not a GGUF type; use one of F16, BF16, Q8_0"):
            quantize(tmp_path / "none", tmp_path / "out", "Q4_7")

    @pytest.mark.parametrize("name", [name for name, kind in GGUF_TYPES.items() if kind.needs_importance])
    def test_a_type_that_needs_an_importance_is_refused_without(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(InvalidInput, match=f"{name} only with an importance"):
            quantize(tmp_path / "none", tmp_path / "out", name)


class TestImportance:
    def test_columns_that_count_have_smaller_errors(self, small: Exported, tmp_path: Path) -> None:
        given = importances(small.model)
        expected = small.model.get_submodule(GATE).weight.detach().numpy()

        def error(importance: dict[str, torch.Tensor] | None) -> float:
            file = quantize(
                small.file, tmp_path / "q.gguf", "Q4_0", importance=importance, engine=small.engine
            ).file
            return float((given[GATE].numpy() * (weights(file, GATE_IN_FILE) - expected) ** 2).sum())

        assert error(given) < 0.8 * error(None)

    def test_a_module_without_a_tensor_of_its_own_is_named_and_the_others_are_written(
        self, small: Exported, tmp_path: Path
    ) -> None:
        """As DeepSeek's kv_b_proj, of which the file has two. Types that need no importance are written."""
        given = importances(small.model) | {"model.layers.0.self_attn.kv_b_proj": torch.ones(64)}
        del given[GATE]
        written = quantize(small.file, tmp_path / "q.gguf", "Q4_0", importance=given, engine=small.engine)
        assert written.missing == ("model.layers.0.self_attn.kv_b_proj",)
        assert written.types[GATE_IN_FILE] == "Q4_0"
        with pytest.raises(InvalidInput, match="importance matrix"):
            quantize(small.file, tmp_path / "iq.gguf", "IQ3_XXS", importance=given, engine=small.engine)

    def test_experts_have_their_own(self, tmp_path: Path) -> None:
        """By the names of `pruning.models.layers`; of one that no token reached all columns count alike."""
        write_checkpoint(tmp_path / "model", "mixtral", num_hidden_layers=1)
        file = convert(tmp_path / "model", tmp_path / "m.gguf").file
        generator, reached = torch.Generator().manual_seed(1), (0, 2, 3)
        counted = [1 + 999.0 * (torch.rand(64, generator=generator) < 0.2) for _ in reached]

        def quantised(given: dict[int, torch.Tensor]) -> Quantised:
            named = {f"model.layers.0.mlp.experts.{expert}.down_proj": given[expert] for expert in given}
            return quantize(file, tmp_path / "q.gguf", "Q4_0", importance=named)

        def errors() -> list[float]:
            name = "blk.0.ffn_down_exps.weight"
            squares = (weights(tmp_path / "q.gguf", name) - weights(file, name)) ** 2
            return [
                float((columns.numpy() * squares[expert]).sum())
                for expert, columns in zip(reached, counted, strict=True)
            ]

        own = dict(zip(reached, counted, strict=True))
        written = quantised(own)
        of_their_own = errors()
        assert written.missing == ()
        assert quantised(own | {1: torch.ones(64)}).sha256 == written.sha256
        quantised(dict(zip(reached, (*counted[1:], counted[0]), strict=True)))
        assert all(less < more for less, more in zip(of_their_own, errors(), strict=True))

    @pytest.mark.parametrize(
        ("name", "vector", "reason"),
        [
            ("model.layers.9.mlp.up_proj", torch.ones(256), "has no tensor of which an importance is given"),
            (GATE, torch.ones(255), r"the shape \(255,\), but 256 columns"),
            (GATE, torch.full((256,), torch.nan), "negative or not finite"),
        ],
    )
    def test_one_that_is_none_of_the_model_s_is_refused(
        self, name: str, vector: torch.Tensor, reason: str, small: Exported, tmp_path: Path
    ) -> None:
        with pytest.raises(InvalidInput, match=reason):
            quantize(small.file, tmp_path / "q.gguf", "Q4_0", importance={name: vector}, engine=small.engine)
        assert list(tmp_path.iterdir()) == []
