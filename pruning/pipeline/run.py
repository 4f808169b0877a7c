"""The main path of the library: from a recipe to a pruned model on disk, and a report.

1. resolve: find the model and the texts, refuse what would fail later, load the dense model
2. cut: remove units, for a recipe with structure; the smaller model replaces the dense one
3. gradients: compute their norms over the calibration windows, for a recipe that uses them
4. prune: mask block by block, then write the pruned checkpoint
5. recover: train the kept weights, if the recipe has `recovery`
6. evaluate: measure the perplexity of the dense model, and of the pruned one as loaded from disk
7. export: write the files that engines serve, and measure each as that file
8. speed: run the dense model and the pruned one alternately, if the evaluation has `speed`
9. write the report: what was pruned, what it cost, and what it measured

A recipe with `norms` ends after 3: `keep_gradients` writes the norms, and nothing else.

The files that were checked in 1 are the files that 2 to 9 read; see pruning.files. Caches
are published once the files are proven to be unchanged.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from pruning.calibration.gradient_cache import GradientCache
from pruning.calibration.gradient_schedule import ScheduleChoice
from pruning.checkpoint.files import INDEX
from pruning.errors import InvalidInput
from pruning.estimate import ModelShape
from pruning.estimate.work import MAX_SPEED_TIME_SHARE
from pruning.evaluation.cache import NoPerplexityCache, PerplexityCache
from pruning.files.frozen_file import AllowedRoots
from pruning.files.verified_publisher import VerifiedPublisher
from pruning.masks.packed import FILE_NAME as MASKS
from pruning.output.directory import atomic_directory
from pruning.output.writer import write_report
from pruning.pipeline.evaluate import NO_LIMIT, EvaluateStage, PerplexityLimit
from pruning.pipeline.export import ExportStage, evaluation_windows
from pruning.pipeline.gradients import GradientOutcome, GradientStage
from pruning.pipeline.prune import PruneStage
from pruning.pipeline.recorder import RunContext, StageRecorder
from pruning.pipeline.recover import PrunedModel, RecoverStage, RecoveryOutcome
from pruning.pipeline.report import RunResults, report_of
from pruning.pipeline.resolve import ResolvedRun, ResolveStage
from pruning.pipeline.resources import DiskRoom
from pruning.pipeline.speed import SpeedStage
from pruning.pipeline.structure import cut_model
from pruning.progress import Progress, Silent
from pruning.recipe import Evaluation, Recipe
from pruning.recipe.exports import MASK_ONLY, Export, has_mask
from pruning.report import Report
from pruning.resume.store import EphemeralResumeStore, GuardedResumeStore, ResumeStore
from pruning.runtime.determinism import full_float32_products
from pruning.runtime.device import compute_devices, current_device
from pruning.sandbox.reading import InProcessReader, UntrustedReader


@dataclass(frozen=True)
class RunRequest:
    """One run: the recipe, the evaluation, where to write, and how to compute."""

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
    exports: tuple[Export, ...] = ()
    """Files in the formats that engines serve, below `exports/` of the output; see pruning.recipe.exports."""
    baseline: Report | None = None
    """The report of a run that this one is compared with: both must have the same dense model and texts."""
    limit: PerplexityLimit = NO_LIMIT
    """A pruned model that is certain to exceed it is not measured further."""


@dataclass(frozen=True)
class Services:
    """What a run uses of its environment. The defaults suit a script that runs once."""

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
    """Perplexities and final states of dense models, shared by runs."""
    on_shape: Callable[[ModelShape], None] = lambda shape: None
    """Called once the model is known, with its shape."""
    min_free_disk_bytes: int = 0
    """Of the output's disk: a run that would leave less is refused."""


@dataclass(frozen=True)
class _Workplace:
    """Where a run computes and writes. It holds no model: one must be released before the next is loaded."""

    devices: tuple[torch.device, ...]
    directory: Path
    resume_store: ResumeStore
    recorder: StageRecorder


def run(request: RunRequest, services: Services | None = None) -> Report:
    """Prune a model as `request` says, and return the report, which is also written next to the model.

    Raises InvalidInput with the field, before expensive work wherever possible; NumericalFailure with the
    layer or window; Unreachable where the Hub does not answer; PruningError where the disk is too full.
    """
    services, recipe = services or Services(), request.recipe
    if recipe.norms:
        raise InvalidInput(
            "only gradients are computed for norms, and nothing is pruned; call keep_gradients, or give a "
            "method in the place of norms",
            field="norms",
        )
    with _workplace(request, services) as place:
        directory, recorder = place.directory, place.recorder
        resolved, dense = recorder.run(_resolve_stage(request, services, place))
        with _context(request, services, place, resolved) as context:
            dense, cut = cut_model(dense, recipe, resolved, context)
            norms, outcome = recorder.run(GradientStage(dense, resolved.gradients, context))
            blocks = outcome.finished_blocks
            masks = request.save_masks or has_mask(request.exports)
            pruned = context.run(PruneStage(dense, recipe, resolved.windows, norms, blocks, directory, masks))
            checkpoint = dense.checkpoint
            del dense, norms  # the next models need their memory
            recovered = RecoveryOutcome(None, blocks.result_key)
            if resolved.recovery is not None:
                recovered = context.run(
                    RecoverStage(
                        resolved.model,
                        resolved.recovery,
                        context,
                        pruned=PrunedModel(checkpoint, pruned, directory),
                        numerics_key=blocks.result_key,
                    )
                )
            measured = context.run(
                EvaluateStage(
                    resolved.model,
                    resolved.evaluation,
                    context,
                    pruned=directory,
                    limit=request.limit,
                    numerics_key=recovered.numerics_key,
                )
            )
        exported = recorder.run(
            ExportStage(
                resolved.model,
                request.exports,
                directory,
                resolved.windows,
                evaluation_windows(resolved.evaluation.texts[0].windows, request.evaluation),
                measured.perplexities[0],
                services.reading,
                wanted=not measured.over_limit,
                is_pruned=recipe.masks or recipe.structure is not None,
            )
        )
        if not request.save_masks:  # the export has its own copy
            (directory / MASKS).unlink(missing_ok=True)
        speed = recorder.run(
            SpeedStage(
                resolved.model,
                directory,
                is_smaller=recipe.structure is not None,
                wanted=request.evaluation.measures_speed(recipe.structure) and not measured.over_limit,
                seconds=MAX_SPEED_TIME_SHARE * sum(stage.seconds for stage in recorder.facts),
            )
        )
        if any(facts.name == MASK_ONLY for facts in exported.facts):
            for name in (*resolved.model.checkpoint.weight_files, INDEX):
                (directory / name).unlink(missing_ok=True)
        results = RunResults(resolved, cut, outcome, pruned, recovered.facts, measured, exported, speed)
        report = report_of(recipe, request.evaluation, results, recorder)
        write_report(resolved.model.checkpoint, report, directory)
    return report


def keep_gradients(request: RunRequest, services: Services | None = None) -> GradientOutcome:
    """Compute the norms that `request.recipe.norms` names, and write them to a file in `request.output`.

    Nothing is pruned or evaluated. Returns how they were computed; raises what `run` raises.
    """
    services = services or Services()
    with _workplace(request, services) as place:
        resolved, dense = place.recorder.run(_resolve_stage(request, services, place))
        with _context(request, services, place, resolved) as context:
            stage = GradientStage(dense, resolved.gradients, context, save_to=place.directory)
            _, outcome = place.recorder.run(stage)
            context.publications.verify()  # norms from the cache need it as well
    return outcome


@contextmanager
def _context(
    request: RunRequest, services: Services, place: _Workplace, resolved: ResolvedRun
) -> Iterator[RunContext]:
    with VerifiedPublisher(resolved.files) as publications:
        yield RunContext(
            recorder=place.recorder,
            schedule=request.schedule,
            deterministic=request.deterministic,
            gradient_cache=services.gradient_cache,
            perplexity_cache=services.perplexity_cache,
            publications=publications,
            resume_store=GuardedResumeStore(place.resume_store, resolved.files),
            reading=services.reading,
            check_streamed=lambda model: _room(request, services, place).check(
                model, resolved.windows, resolved.predictions, "streamed"
            ),
        )


def _room(request: RunRequest, services: Services, place: _Workplace) -> DiskRoom:
    return DiskRoom(
        request.recipe,
        request.exports,
        request.save_masks,
        place.directory,
        place.resume_store,
        services.gradient_cache,
        services.min_free_disk_bytes,
    )


def _resolve_stage(request: RunRequest, services: Services, place: _Workplace) -> ResolveStage:
    return ResolveStage(
        recipe=request.recipe,
        evaluation=request.evaluation,
        exports=request.exports,
        devices=place.devices,
        roots=services.roots,
        hub_token=services.hub_token,
        reading=services.reading,
        baseline=request.baseline,
        resume_store=place.resume_store,
        output=place.directory,
        room=_room(request, services, place),
        schedule=request.schedule,
        on_shape=services.on_shape,
    )


@contextmanager
def _workplace(request: RunRequest, services: Services) -> Iterator[_Workplace]:
    """Set up the devices and the directory; it gets its name at the end, and is deleted if the run fails."""
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
