"""Gradient norms that one run puts into a cache and others get: the result is that of computing them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from pruning.recipe import Evaluation, Recipe, Stage
from pruning.report.schema import Report
from pruning.resume.hashed_file import HashedFile, sha256_of
from pruning.resume.store import DirectoryResumeStore, NumericsKey
from tests.pruning.runs import run_recipe

EVALUATION = Evaluation(dataset="builtin", sequence_length=32, windows=1)
CALIBRATION = {"dataset": "builtin", "samples": 3, "sequence_length": 24}


class InMemoryGradientCache:
    """A cache in this process, over the resume stores of the runs that computed the norms."""

    def __init__(self) -> None:
        self.resume_store: DirectoryResumeStore | None = None
        self.entries: dict[str, Mapping[int, HashedFile]] = {}
        self.confirmed: list[str] = []
        self.invalidated: list[str] = []

    def get(self, fingerprint: str) -> Mapping[int, HashedFile] | None:
        return self.entries.get(fingerprint)

    def put(self, fingerprint: str, numerics_key: NumericsKey) -> None:
        assert self.resume_store is not None
        self.entries[fingerprint] = self.resume_store.begin(Stage.GRADIENTS, numerics_key)

    def confirm(self, fingerprint: str) -> None:
        self.confirmed.append(fingerprint)

    def invalidate(self, fingerprint: str) -> None:
        self.invalidated.append(fingerprint)
        del self.entries[fingerprint]


@pytest.fixture
def pruned(tiny_llama_dir: Path, tmp_path: Path) -> Callable[..., tuple[Report, str]]:
    """A function that runs a recipe, and returns its report and the checksum of the pruned weights."""
    count = 0

    def prune(
        cache: InMemoryGradientCache | None,
        *,
        schedule: str = "auto",
        **fields: Any,  # noqa: ANN401
    ) -> tuple[Report, str]:
        nonlocal count
        count += 1
        output, resume_store = tmp_path / f"out-{count}", DirectoryResumeStore(tmp_path / f"resume-{count}")
        if cache is not None:
            cache.resume_store = resume_store
        recipe = Recipe.model_validate(
            {
                "model": str(tiny_llama_dir),
                "sparsity": 0.5,
                "calibration": CALIBRATION,
                "method": "gblm",
                **fields,
            }
        )
        report = run_recipe(
            recipe,
            EVALUATION,
            output=output,
            schedule=schedule,  # type: ignore[arg-type]
            resume_store=resume_store,
            gradient_cache=cache,
        )
        return report, sha256_of(output / "model.safetensors")

    return prune


@pytest.mark.parametrize("schedule", ["whole", "streamed"])
def test_a_later_run_reuses_cached_norms_whichever_it_needs(
    pruned: Callable[..., tuple[Report, str]], schedule: str
) -> None:
    cache = InMemoryGradientCache()
    first, _ = pruned(cache, schedule=schedule)
    assert not first.gradients_reused
    for fields in ({}, {"method": {"name": "gblm", "norm": "l2"}}, {"method": "gradient", "sparsity": 0.7}):
        uncached, expected = pruned(None, **fields)
        report, weights = pruned(cache, **fields)
        assert report.gradients_reused
        assert not uncached.gradients_reused
        assert weights == expected
    assert cache.confirmed == [*cache.entries] * 3
    assert len(cache.entries) == 1


@pytest.mark.parametrize(
    "fields",
    [{"calibration": CALIBRATION | {"seed": 1}}, {"layers": {"exclude": ["*up_proj"]}}, {"dtype": "float64"}],
)
def test_a_change_of_what_the_norms_depend_on_changes_the_fingerprint(
    pruned: Callable[..., tuple[Report, str]], fields: dict[str, Any]
) -> None:
    cache = InMemoryGradientCache()
    pruned(cache)
    report, _ = pruned(cache, **fields)
    assert not report.gradients_reused
    assert len(cache.entries) == 2


@pytest.mark.parametrize("damage", ["not finite", "a layer is missing", "cut short"])
def test_damaged_shards_are_invalidated_and_computed_again(
    pruned: Callable[..., tuple[Report, str]], damage: str
) -> None:
    cache = InMemoryGradientCache()
    _, expected = pruned(cache)
    ((fingerprint, shards),) = cache.entries.items()
    path = shards[1].path
    tensors = load_file(path)
    name = next(iter(tensors))
    if damage == "not finite":
        tensors[name] = tensors[name].clone().fill_(torch.nan)
    else:
        del tensors[name]
    save_file(tensors, path)
    if damage == "cut short":
        path.write_bytes(path.read_bytes()[:-100])
    report, weights = pruned(cache)
    assert (cache.confirmed, cache.invalidated) == ([], [fingerprint])
    assert not report.gradients_reused
    assert weights == expected
