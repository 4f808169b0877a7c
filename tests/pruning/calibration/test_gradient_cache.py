"""Gradient norms that one run puts into a cache and others get: the result is that of computing them."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from pruning.calibration.gradient_cache import CacheLookup, fingerprint_of, store_norms
from pruning.calibration.gradient_pass import GradientPass
from pruning.calibration.gradient_schedule import Schedule
from pruning.calibration.window_norms import GradientNorms
from pruning.evaluation.cache import fingerprint_of as fingerprint_of_dense
from pruning.evaluation.perplexity import EvaluationSet
from pruning.models.blocks import Stack, selected_stack
from pruning.models.placement import Placement
from pruning.recipe import Evaluation, GradientNorm, LayerSelection, Recipe, Stage
from pruning.report import Report
from pruning.resume.hashed_file import HashedFile, sha256_of
from pruning.resume.store import DirectoryResumeStore, EphemeralResumeStore, NumericsKey
from tests.pruning.families import five_windows, make
from tests.pruning.pruned import ignore_steps
from tests.pruning.runs import run_recipe
from tests.tiers import nightly

EVALUATION = Evaluation(dataset="builtin", sequence_length=32, windows=1)
CALIBRATION = {"dataset": "builtin", "samples": 3, "sequence_length": 24}


class InMemoryGradientCache:
    """A cache in this process, over the resume stores of the runs that computed the norms."""

    def __init__(self, *needed_later: GradientNorm) -> None:
        self.needed_later = frozenset(needed_later)
        self.resume_store: DirectoryResumeStore | None = None
        self.entries: dict[str, Mapping[int, HashedFile]] = {}
        self.found: list[int] = []
        self.confirmed = 0
        self.invalidated: list[str] = []

    def get(self, wanted: Collection[str], later: Collection[str]) -> CacheLookup:
        assert not {*wanted} & {*later}
        found = {
            fingerprint: self.entries[fingerprint] for fingerprint in wanted if fingerprint in self.entries
        }
        self.found.append(len(found))
        missing = {*wanted} - found.keys()
        return CacheLookup(found, frozenset(missing | ({*later} - self.entries.keys() if missing else set())))

    def put(self, fingerprint: str, numerics_key: NumericsKey, numbers: Mapping[int, int]) -> None:
        assert self.resume_store is not None
        store_norms = self.resume_store.begin(Stage.GRADIENTS, numerics_key)
        self.entries[fingerprint] = {block: store_norms[number] for block, number in numbers.items()}

    def confirm(self) -> None:
        self.confirmed += 1

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
        **fields: Any,
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


L1: dict[str, Any] = {"method": {"name": "gblm", "norm": "l1"}}
L2: dict[str, Any] = {"method": {"name": "gblm", "norm": "l2"}}
BOTH: dict[str, Any] = {**L1, "allocation": "gradient"}


def norms_in(cache: InMemoryGradientCache) -> list[set[str]]:
    """Return the norms in the shards of each entry."""
    return [
        {name.split("/")[0] for file in files.values() for name in load_file(file.path)}
        for files in cache.entries.values()
    ]


@pytest.mark.parametrize("schedule", ["whole", "streamed"])
def test_a_later_run_reuses_the_cached_norm_that_it_needs(
    pruned: Callable[..., tuple[Report, str]], schedule: str
) -> None:
    cache = InMemoryGradientCache()
    first, _ = pruned(cache, schedule=schedule, **L1)
    assert not first.gradients_reused
    assert norms_in(cache) == [{"l1"}]
    for fields in (L1, {**L1, "sparsity": 0.7}, {"method": {"name": "gradient", "norm": "l1"}}):
        uncached, expected = pruned(None, **fields)
        report, weights = pruned(cache, **fields)
        assert report.gradients_reused
        assert not uncached.gradients_reused
        assert weights == expected
    assert cache.confirmed == 3
    assert len(cache.entries) == 1


@pytest.mark.parametrize("schedule", ["whole", nightly("streamed")])
@pytest.mark.parametrize("before", [(), ("l1",), ("l2",), ("l1", "l2")], ids=str)
def test_a_run_that_needs_both_norms_computes_the_missing_ones(
    pruned: Callable[..., tuple[Report, str]], before: tuple[str, ...], schedule: str
) -> None:
    _, expected = pruned(None, **BOTH)
    cache = InMemoryGradientCache()
    for norm in before:
        pruned(cache, schedule=schedule, **{"l1": L1, "l2": L2}[norm])
    report, weights = pruned(cache, schedule=schedule, **BOTH)
    assert weights == expected
    assert report.gradients_reused == (len(before) == 2)
    assert cache.found[-1] == len(before)
    assert sorted(map(sorted, norms_in(cache))) == [["l1"], ["l2"]]


def test_a_run_also_computes_the_norm_that_others_are_known_to_need(
    pruned: Callable[..., tuple[Report, str]],
) -> None:
    _, expected = pruned(None, **L2)
    cache = InMemoryGradientCache("l2")
    pruned(cache, **L1)
    assert norms_in(cache) == [{"l1"}, {"l2"}]
    report, weights = pruned(cache, **L2)
    assert report.gradients_reused
    assert weights == expected


def test_a_run_that_finds_its_norm_computes_no_other(pruned: Callable[..., tuple[Report, str]]) -> None:
    cache = InMemoryGradientCache()
    pruned(cache, **L1)
    cache.needed_later = frozenset({"l2"})
    report, _ = pruned(cache, **L1)
    assert report.gradients_reused
    assert norms_in(cache) == [{"l1"}]


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


@pytest.mark.parametrize("name", ["torch", "transformers", "attention backend", "threads"])
def test_norms_of_other_versions_are_not_shared_and_those_of_other_threads_are(name: str) -> None:
    key = Placement(make("llama")).numerics_key
    keys = [{**key, name: value} for value in ("one", "other")]
    norms = {
        fingerprint_of("l1", model="m", calibration="c", selection=LayerSelection(), numerics_key=each)
        for each in keys
    }
    text = EvaluationSet("builtin", five_windows(), "f", "d")
    dense = {fingerprint_of_dense(model="m", text=text, numerics_key=each) for each in keys}
    assert (len(norms), len(dense)) == (1 if name == "threads" else 2, 2)


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
    assert (cache.confirmed, cache.invalidated) == (0, [fingerprint])
    assert not report.gradients_reused
    assert weights == expected


def test_a_streamed_run_that_cannot_be_resumed_publishes_its_norms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(schedule: Schedule) -> tuple[Stack, GradientPass, GradientNorms]:
        model = make("llama", num_hidden_layers=2)
        stack = selected_stack(model, LayerSelection())
        found = GradientPass(Placement(model), five_windows(), norms=["l1"], stack=stack, schedule=schedule)
        return stack, found, found.run(ignore_steps, store)

    store, published = EphemeralResumeStore(tmp_path), dict[str, int]()
    cache = InMemoryGradientCache()
    monkeypatch.setattr(cache, "put", lambda name, key, numbers: published.update({name: len(numbers)}))
    _, _, expected = run("whole")
    stack, streamed, norms = run("streamed")
    shards, publish = store_norms(cache, {"l1": "of this model"}, norms, streamed, stack, store)
    publish()
    assert published == {"of this model": 2}
    assert norms["l1"].keys() == expected["l1"].keys()
    for name, tensor in expected["l1"].items():
        assert torch.equal(norms["l1"][name], tensor), name
        assert torch.equal(shards["l1"].norms["l1"][name], tensor), name
