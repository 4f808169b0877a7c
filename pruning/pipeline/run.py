"""The main path of the library: from a recipe to a pruned model on disk, and a report of what it cost.

1. resolve: find the model and the texts, refuse what would fail later, load the dense model
2. cut: take blocks and units out, for a recipe with structure; the smaller model replaces the dense one
3. gradients: compute their norms over the calibration windows, for a recipe that uses them
4. search: prune a first time, and see which layers add most to the loss, for a recipe that asks for it
5. prune: mask block by block, then write the pruned checkpoint
6. recover: train the kept weights, for a recipe that asks for it
7. evaluate: measure the perplexity of the dense model, and of the pruned one as loaded from disk
8. speed: run the dense model and the pruned one in turns, where that is asked for
9. write the report: what was pruned, what it cost, and what it measured

A recipe with `norms` ends after 3: `keep_gradients` writes the norms, and nothing else.

The files that were checked in 1 are the files that 2 to 9 read; see pruning.files. What later runs may use
is published once the files are proven to be unchanged.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from pruning.calibration.gradient_cache import GradientCache
from pruning.calibration.gradient_schedule import ScheduleChoice
from pruning.estimate import ModelShape
from pruning.estimate.work import MAX_SPEED_TIME_SHARE
from pruning.evaluation.cache import NoPerplexityCache, PerplexityCache
from pruning.files.frozen_file import AllowedRoots
from pruning.files.verified_publisher import VerifiedPublisher
from pruning.methods.results import Pruned
from pruning.output.facts import layer_facts, permutation_facts
from pruning.output.writer import atomic_directory, write_report
from pruning.pipeline.evaluate import NO_LIMIT, EvaluateStage, EvaluationResult, PerplexityLimit
from pruning.pipeline.gradients import GradientOutcome, GradientStage
from pruning.pipeline.prune import PruneStage
from pruning.pipeline.recorder import StageRecorder
from pruning.pipeline.recover import PrunedModel, RecoverStage
from pruning.pipeline.reproduce import differences
from pruning.pipeline.resolve import ResolvedRun, ResolveStage
from pruning.pipeline.search.allocation_search import AllocationSearch, SearchOutcome
from pruning.pipeline.shared_states import SharedStates
from pruning.pipeline.speed import SpeedStage
from pruning.pipeline.structure import CutOutcome, Structure
from pruning.progress import Progress, Silent
from pruning.recipe import Evaluation, Recipe
from pruning.report import Environment, RecoveryFacts, Report, SparsityFacts, SpeedFacts, TrainingFacts
from pruning.resume.store import EphemeralResumeStore, GuardedResumeStore, ResumeStore
from pruning.runtime.determinism import full_float32_products
from pruning.runtime.device import compute_devices, current_device, describe
from pruning.sandbox.reading import InProcessReader, UntrustedReader


@dataclass(frozen=True)
class RunRequest:
    """What to do."""

    recipe: Recipe
    evaluation: Evaluation
    output: Path
    """The directory of the pruned model. It must not exist, and appears complete or not at all."""
    device: str = "auto"
    """'auto', 'cpu', 'cuda' or 'cuda:N'; or several that share the model, such as 'cuda:0,cuda:1'."""
    schedule: ScheduleChoice = "auto"
    """How gradients are computed; see pruning.calibration.gradient_schedule."""
    deterministic: bool = True
    """Compute equal gradients for equal recipes on CUDA, too; see pruning.runtime.determinism."""
    save_masks: bool = False
    """Also write `masks.safetensors`; see pruning.masks.packed."""
    save_gradients: bool = False
    """Also write the gradient norms, where they are computed; see pruning.calibration.gradient_files."""
    reproduces: Report | None = None
    """The report of an earlier run of this recipe, whose model and texts must not have changed."""
    limit: PerplexityLimit = NO_LIMIT
    """A pruned model that is certain to exceed it is not measured further."""


@dataclass(frozen=True)
class Services:
    """What a run uses of its surroundings. The defaults suit a script that runs once."""

    progress: Progress = field(default_factory=Silent)
    """Receives every step. An exception that it raises ends the run between two steps."""
    roots: AllowedRoots = field(default_factory=AllowedRoots)
    """The directories that files may be read from."""
    hub_token: str | None = None
    """For the model, never for data sets."""
    reading: UntrustedReader = field(default_factory=InProcessReader)
    """Reads the files of model and texts. A service that runs untrusted requests reads them in a sandbox."""
    resume_store: ResumeStore | None = None
    """The state of this very run: it continues after the blocks that an earlier attempt finished, with the
    result of an uninterrupted run, bit for bit on a CPU. None: the run cannot be resumed."""
    gradient_cache: GradientCache | None = None
    """Gradient norms that runs share. None: the run computes its own."""
    perplexity_cache: PerplexityCache = field(default_factory=NoPerplexityCache)
    """What runs share of dense models: perplexities, and final states."""
    on_shape: Callable[[ModelShape], None] = lambda shape: None
    """Called once the model is known, with its shape."""
    wants_speed: Callable[[float], bool] = lambda perplexity: True
    """Called with the pruned model's perplexity. False: its speed is not measured."""


@dataclass(frozen=True)
class _Workplace:
    """Where a run computes and writes. It holds no model: one must go before the next one comes."""

    devices: tuple[torch.device, ...]
    directory: Path
    resume_store: ResumeStore
    recorder: StageRecorder


@dataclass(frozen=True)
class RunResults:
    """What the report says besides how the model was pruned."""

    cut: CutOutcome | None
    search: SearchOutcome | None
    quality: EvaluationResult
    speed: SpeedFacts


def run(request: RunRequest, services: Services | None = None) -> Report:
    """Prune a model as `request` says, and return the report, which is also written next to the model.

    Raises InvalidInput with the field, before expensive work wherever possible; NumericalFailure with the
    layer or window; Unreachable where the Hub does not answer; PruningError where the disk is too full.
    """
    services, recipe = services or Services(), request.recipe
    with _workplace(request, services) as place:
        directory, recorder = place.directory, place.recorder
        resolved, dense = recorder.run(_resolve_stage(request, services, place))
        blocks = GuardedResumeStore(place.resume_store, resolved.files)
        with VerifiedPublisher(resolved.files) as publications:
            dense, cut = Structure(
                recipe,
                resolved,
                recorder,
                schedule=request.schedule,
                deterministic=request.deterministic,
                cache=services.gradient_cache,
                publications=publications,
                resume_store=blocks,
                reading=services.reading,
            ).cut(dense)
            search = AllocationSearch(
                recipe,
                resolved,
                recorder,
                request.schedule,
                request.deterministic,
                resume_store=blocks,
                after_step=publications.poll,
            )
            norms, outcome = recorder.run(
                GradientStage(
                    dense,
                    resolved.gradients,
                    schedule=request.schedule,
                    deterministic=request.deterministic,
                    cache=services.gradient_cache,
                    publications=publications,
                    resume_store=blocks,
                    save_to=directory if request.save_gradients else None,
                    next_blocks=partial(search.next_blocks, dense),
                )
            )
            trial = search.prune_first(dense, norms, outcome.finished_blocks)
            norms = search.remaining_norms(norms)
            found = search.find(dense, trial, outcome.finished_blocks)
            finished_blocks = found.finished_blocks if found else outcome.finished_blocks
            pruned = recorder.run(
                PruneStage(
                    model=dense,
                    recipe=recipe,
                    windows=resolved.windows,
                    norms=norms,
                    finished_blocks=finished_blocks,
                    directory=directory,
                    save_masks=request.save_masks,
                ),
                after_step=publications.poll,
            )
            checkpoint = dense.checkpoint
            del dense, norms  # the models that come next need their memory
            recovered = recorder.run(
                RecoverStage(
                    resolved.model,
                    resolved.recovery,
                    pruned=PrunedModel(checkpoint, pruned, directory),
                    deterministic=request.deterministic,
                    numerics_key=finished_blocks.result_key,
                    resume_store=blocks,
                    shared=SharedStates(services.perplexity_cache, publications),
                ),
                after_step=publications.poll,
            )
            measured = recorder.run(
                EvaluateStage(
                    resolved.model,
                    resolved.evaluation,
                    pruned=directory,
                    limit=request.limit,
                    numerics_key=recovered.numerics_key,
                    resume_store=blocks,
                    cache=services.perplexity_cache,
                    publications=publications,
                ),
                after_step=publications.poll,
            )
        speed = recorder.run(
            SpeedStage(
                resolved.model,
                directory,
                is_smaller=recipe.structure is not None,
                wanted=request.evaluation.measures_speed(recipe.structure)
                and not measured.cut_short
                and services.wants_speed(measured.perplexities[0].pruned),
                seconds=MAX_SPEED_TIME_SHARE * sum(stage.seconds for stage in recorder.facts),
            )
        )
        results = RunResults(cut, found, measured, speed)
        report = _report(request, resolved, outcome, pruned, recovered.facts, results, recorder)
        write_report(resolved.model.checkpoint, report, directory)
    return report


def keep_gradients(request: RunRequest, services: Services | None = None) -> GradientOutcome:
    """Compute the norms that `request.recipe.norms` names, and write them to a file in `request.output`.

    Nothing is pruned or evaluated. Returns how they were computed; raises what `run` raises.
    """
    services = services or Services()
    with _workplace(request, services) as place:
        resolved, dense = place.recorder.run(_resolve_stage(request, services, place))
        blocks = GuardedResumeStore(place.resume_store, resolved.files)
        with VerifiedPublisher(resolved.files) as publications:
            _, outcome = place.recorder.run(
                GradientStage(
                    dense,
                    resolved.gradients,
                    schedule=request.schedule,
                    deterministic=request.deterministic,
                    cache=services.gradient_cache,
                    publications=publications,
                    resume_store=blocks,
                    save_to=place.directory,
                )
            )
            publications.verify()  # norms from the cache need it as well
    return outcome


def _resolve_stage(request: RunRequest, services: Services, place: _Workplace) -> ResolveStage:
    return ResolveStage(
        recipe=request.recipe,
        evaluation=request.evaluation,
        devices=place.devices,
        roots=services.roots,
        hub_token=services.hub_token,
        reading=services.reading,
        reproduces=request.reproduces,
        resume_store=place.resume_store,
        output=place.directory,
        schedule=request.schedule,
        gradient_cache=services.gradient_cache,
        on_shape=services.on_shape,
        deterministic=request.deterministic,
    )


@contextmanager
def _workplace(request: RunRequest, services: Services) -> Iterator[_Workplace]:
    """Set up the devices and the directory; it gets its name at the end, and is gone where the run failed."""
    devices = compute_devices(request.device)
    recorder = StageRecorder(services.progress, *devices)
    with (
        current_device(devices[0]),
        full_float32_products(),
        atomic_directory(request.output) as directory,
        _resume_store(request, services) as resume_store,
    ):
        yield _Workplace(devices, directory, resume_store, recorder)


@contextmanager
def _resume_store(request: RunRequest, services: Services) -> Iterator[ResumeStore]:
    """The caller's store; or a temporary one next to the output, for the shards of a run without one."""
    if services.resume_store is not None:
        yield services.resume_store
        return
    output = request.output
    with TemporaryDirectory(prefix=f".{output.name}.", suffix=".shards", dir=output.parent) as directory:
        yield EphemeralResumeStore(Path(directory))


def _report(
    request: RunRequest,
    resolved: ResolvedRun,
    gradients: GradientOutcome,
    pruned: Pruned,
    recovered: TrainingFacts | None,
    results: RunResults,
    recorder: StageRecorder,
) -> Report:
    environment = Environment.here(
        device=describe(*resolved.model.devices),
        dtype=str(resolved.model.dtype).removeprefix("torch."),
        threads=torch.get_num_threads(),
        attention=str(gradients.numerics_key["attention"]),
        schedule=gradients.schedule.name if gradients.schedule else None,
        micro_batch=gradients.schedule.micro_batch if gradients.schedule else None,
        deterministic=gradients.deterministic,
    )
    before = request.reproduces
    changed = differences(before.environment, environment) if before else ()
    return Report(
        recipe=request.recipe,
        recipe_fingerprint=request.recipe.fingerprint(),
        evaluation=request.evaluation,
        model=resolved.model.facts,
        calibration=resolved.calibration_facts,
        structure=results.cut.facts if results.cut else None,
        permutation=permutation_facts(pruned) if request.recipe.permute else None,
        search=results.search.facts if results.search else None,
        sparsity=SparsityFacts(layers=tuple(layer_facts(pruned))),
        perplexity=results.quality.perplexities[0],
        further_perplexities=results.quality.perplexities[1:],
        zero_shot=results.quality.zero_shot,
        recovery=None if recovered is None else RecoveryFacts(distil=recovered),
        speed=results.speed,
        stages=tuple(recorder.facts),
        environment=environment,
        gradients_reused=gradients.reused,
        dense_perplexity_reused=results.quality.dense_reused,
        warnings=(
            *resolved.warnings,
            *(results.cut.warnings if results.cut else ()),
            *gradients.warnings,
            *(results.search.warnings if results.search else ()),
            *pruned.warnings,
            *recorder.warnings,
            *changed,
        ),
    )
