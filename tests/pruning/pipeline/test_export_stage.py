"""Parts of the stage `export`, without a run."""

import errno
import json
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch
from transformers import LlamaConfig

from pruning.errors import InvalidInput
from pruning.estimate import disk, shape_of_config
from pruning.exports import gguf
from pruning.exports.answers import MAX_RESULT_BYTES
from pruning.exports.engine import Engine
from pruning.pipeline import export
from pruning.pipeline.export import evaluation_windows, stem_of
from pruning.pipeline.export_gguf import GgufFiles, _Written
from pruning.pipeline.export_progress import Exported
from pruning.recipe import Evaluation, Recipe
from pruning.recipe.exports import GGUF_TYPES, GgufExport, parse_exports
from pruning.report import ExportFacts
from pruning.runtime import process_memory


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("org/SmolLM2-135M", "SmolLM2-135M"),
        ("/srv/models/tiny/", "tiny"),
        ("/srv/" + "é x" * 100, "-".join("x" * 100)[:100].strip("-")),
        ("/srv/…", "model"),
        ("/srv/.hidden", "hidden"),
    ],
)
def test_files_have_the_models_name_where_every_system_takes_it(name: str, stem: str) -> None:
    assert stem_of(name) == stem
    assert len(f"{stem}-IQ3_XXS.gguf".encode()) <= 255


def test_windows_are_those_of_the_request_or_a_few_short_ones() -> None:
    windows = torch.arange(6 * 1000).view(6, 1000)
    assert evaluation_windows(windows, Evaluation(windows=6)) is windows
    assert torch.equal(evaluation_windows(windows, Evaluation()), windows[:, :512])
    short = windows.repeat(2, 1)[:, :100]
    assert torch.equal(evaluation_windows(short, Evaluation()), short[:8])


def test_the_estimate_of_files_counts_their_bits() -> None:
    shape = shape_of_config(json.loads(LlamaConfig(num_hidden_layers=2).to_json_string(use_diff=False)))
    outer = shape.parameters - shape.block_weights
    assert disk.exports(shape, ()) == 0
    q8 = int(GGUF_TYPES["Q8_0"].bits * shape.parameters / 8)
    assert disk.exports(shape, parse_exports(["gguf:Q8_0"])) == q8 + 4 * shape.parameters
    q4 = disk.exported_files(shape, parse_exports(["gguf:Q4_K_M"]))
    assert q4 == int((4.9 * shape.block_weights + 6.6 * outer) / 8)
    (q2,) = parse_exports(["gguf:Q2_K"])
    assert isinstance(q2, GgufExport)
    assert [q2.bits_in_rows_of(width) for width in (512, 576, 1000)] == [3.2, 4.5, 16]
    fp8 = disk.exports(shape, parse_exports(["compressed-tensors:fp8"]))
    assert fp8 == shape.block_weights + 4 * outer  # which keep their float32
    both = disk.exports(shape, parse_exports(["gguf:Q8_0", "compressed-tensors:fp8"]), states=7)
    assert both == q8 + 4 * shape.parameters + fp8 + 7


def test_measurements_that_disagree_on_the_dense_model_are_refused() -> None:
    exported = Exported()
    exported.facts["gguf:Q8_0"] = ExportFacts(
        name="gguf:Q8_0",
        path="exports/a.gguf",
        bytes=1,
        dense_bytes=2,
        evaluator="llama.cpp b1",
        perplexity=12.0,
        dense_perplexity=10.0,
        kl=0.1,
        agreement=0.9,
        windows=1,
        sequence_length=8,
    )
    files = SimpleNamespace(exported=exported)
    GgufFiles._require_one_dense_perplexity(files, 10.0001)
    with pytest.raises(InvalidInput, match=r"perplexity 1e.43 next to these files and 10 next to gguf"):
        GgufFiles._require_one_dense_perplexity(files, 1e43)


def test_files_that_memory_cannot_hold_together_are_measured_in_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gibibyte = 2**30

    def written(name: str, size: int) -> gguf.WrittenFile:
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
        return gguf.WrittenFile(tmp_path / name, size, "")

    (export,) = parse_exports(["gguf:F16"])
    files = [_Written(export, written(f"{number}", 3 * gibibyte)) for number in range(4)]
    dense = gguf.Converted(
        **vars(written("dense", 4 * gibibyte)), rules="", dtype="F16", overflow=None, context_length=1
    )

    def sizes(length: int, engine: Engine | None = None, windows: int = 2) -> list[int]:
        stage, windows = SimpleNamespace(engine=engine or Engine()), torch.zeros(windows, length)
        return [len(group) for group in GgufFiles._that_fit_together(stage, files, dense, windows)]

    free = 0
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=free, total=2**50))
    monkeypatch.setattr(process_memory, "_limits", lambda _root: [])
    monkeypatch.setattr(process_memory, "held_memory", lambda _process: gibibyte)
    # Each takes half a GiB to compute with 1024 tokens, and the libraries one more.
    for gibibytes, expected in ((19, [3, 1]), (9, [1, 1, 1, 1]), (5, [1, 1, 1, 1]), (20, [4])):
        free = gibibytes * gibibyte
        assert sizes(512) == expected
    assert [sizes(2048), sizes(8192)] == [[3, 1], [1, 1, 1, 1]]
    # What this process holds itself counts too.
    for limit, expected in ((20, [3, 1]), (40, [4])):
        assert sizes(512, Engine(job_memory_bytes=limit * gibibyte)) == expected
    # So does the length of the answer.
    free = 100 * gibibyte
    wide = {"loss": -1.2345678901234567e-100, "kl": 1.2345678901234567e-100, "agreement": 0.1234567890123456}
    for windows, expected in ((1000, [4]), (20_000, [3, 1]), (60_000, [1, 1, 1, 1])):
        assert sizes(8, windows=windows) == expected
        assert expected[0] * windows * len(json.dumps(wide)) < MAX_RESULT_BYTES / 2


@pytest.mark.parametrize("error", [MemoryError("host"), InvalidInput("bad"), OSError(errno.ENOMEM, "mmap")])
def test_what_only_one_export_lacks_becomes_a_warning(error: Exception, tmp_path: Path) -> None:
    done, target = Exported(), tmp_path / "half"
    target.write_bytes(b"half")
    with done.trying(parse_exports(["gguf:Q8_0"]), target):
        raise error
    assert done.warnings == [f"gguf:Q8_0 was not exported: {error}"]
    assert not target.exists()


def test_the_check_of_a_model_has_the_memory_of_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engines: list[Engine] = []
    monkeypatch.setattr(gguf, "check", lambda _directory, *, shapes, engine, step: engines.append(engine))
    model = SimpleNamespace()
    files = SimpleNamespace(without=lambda _files: SimpleNamespace(opened=lambda: nullcontext(tmp_path)))
    checkpoint = SimpleNamespace(
        config=LlamaConfig(),
        files=files,
        weight_files=(),
        skeleton=model,
        layout=SimpleNamespace(shapes_of=lambda _: {}),
        quantisation=None,
    )
    reading = SimpleNamespace(all_layers=True, job_memory_bytes=2**33)
    exports = parse_exports(["gguf:F16"])
    recipe = Recipe.model_validate({"model": "org/name", "method": "wanda", "sparsity": 0.5})
    export.check_exports(exports, recipe, checkpoint, model, reading, lambda *_: None)  # type: ignore[arg-type]
    assert [(engine.all_layers, engine.job_memory_bytes) for engine in engines] == [(True, 2**33)]
