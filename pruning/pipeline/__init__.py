"""A run and its stages, and all that a program that runs jobs, such as a worker, needs in addition.

Names are imported when they are first used: the parent process of a worker never imports torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pruning.calibration.gradient_cache import CacheLookup
    from pruning.evaluation.cache import DenseMeasurement
    from pruning.files.frozen_file import AllowedRoots
    from pruning.pipeline.evaluate import NO_LIMIT, PerplexityLimit
    from pruning.pipeline.recorder import StageRecorder
    from pruning.pipeline.resources import DiskTooSmall
    from pruning.pipeline.run import RunRequest, Services
    from pruning.resume.hashed_file import HashedFile, sha256_of
    from pruning.resume.store import ActivationCheckpoint, NumericsKey, changed_numerics, unqualified_name
    from pruning.runtime.determinism import fix_cublas_workspace
    from pruning.runtime.device import (
        compute_devices,
        free_memory,
        is_device_broken,
        is_device_out_of_memory,
        is_out_of_memory,
        release_memory,
        usable_devices,
    )
    from pruning.runtime.process_memory import held_memory, host_memory, keep_peak_memory_resettable
    from pruning.runtime.speed_probe import measure_machine
    from pruning.sandbox.confine import SandboxLimits
    from pruning.sandbox.fork_server import (
        SandboxUnavailable,
        describe_sandbox_layers,
        fork_server,
        missing_sandbox_layers,
        sandbox_layer_status,
    )
    from pruning.sandbox.sandbox import Sandbox
    from pruning.version import refuse_old_versions

_MODULES = {
    "pruning.calibration.gradient_cache": ("CacheLookup",),
    "pruning.evaluation.cache": ("DenseMeasurement",),
    "pruning.files.frozen_file": ("AllowedRoots",),
    "pruning.pipeline.evaluate": ("NO_LIMIT", "PerplexityLimit"),
    "pruning.pipeline.recorder": ("StageRecorder",),
    "pruning.pipeline.resources": ("DiskTooSmall",),
    "pruning.pipeline.run": ("RunRequest", "Services"),
    "pruning.resume.hashed_file": ("HashedFile", "sha256_of"),
    "pruning.resume.store": ("ActivationCheckpoint", "NumericsKey", "changed_numerics", "unqualified_name"),
    "pruning.runtime.process_memory": ("held_memory", "host_memory", "keep_peak_memory_resettable"),
    "pruning.runtime.determinism": ("fix_cublas_workspace",),
    "pruning.runtime.device": (
        "compute_devices",
        "free_memory",
        "is_device_broken",
        "is_device_out_of_memory",
        "is_out_of_memory",
        "release_memory",
        "usable_devices",
    ),
    "pruning.runtime.speed_probe": ("measure_machine",),
    "pruning.version": ("refuse_old_versions",),
    "pruning.sandbox.confine": ("SandboxLimits",),
    "pruning.sandbox.sandbox": ("Sandbox",),
    "pruning.sandbox.fork_server": (
        "SandboxUnavailable",
        "describe_sandbox_layers",
        "fork_server",
        "missing_sandbox_layers",
        "sandbox_layer_status",
    ),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "NO_LIMIT",
    "ActivationCheckpoint",
    "AllowedRoots",
    "CacheLookup",
    "DenseMeasurement",
    "DiskTooSmall",
    "HashedFile",
    "NumericsKey",
    "PerplexityLimit",
    "RunRequest",
    "Sandbox",
    "SandboxLimits",
    "SandboxUnavailable",
    "Services",
    "StageRecorder",
    "changed_numerics",
    "compute_devices",
    "describe_sandbox_layers",
    "fix_cublas_workspace",
    "fork_server",
    "free_memory",
    "held_memory",
    "host_memory",
    "is_device_broken",
    "is_device_out_of_memory",
    "is_out_of_memory",
    "keep_peak_memory_resettable",
    "measure_machine",
    "missing_sandbox_layers",
    "refuse_old_versions",
    "release_memory",
    "sandbox_layer_status",
    "sha256_of",
    "unqualified_name",
    "usable_devices",
]


def __getattr__(name: str) -> object:
    """Import a name from where it is defined (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value
