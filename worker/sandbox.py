"""The sandbox in which a job's config, tokenizer and texts are read."""

from pathlib import Path

from jobs import limits
from jobs.settings import Settings
from pruning.pipeline import Sandbox, SandboxLimits
from worker.capacity import allowed_memory


def sandbox(settings: Settings, scratch: Path) -> Sandbox:
    """Return it with limits that the job's own allow.

    `scratch`: where private directories are made. What takes too much time is refused before the job has made
    no progress for `limits.STALL_SECONDS`, after which it would be tried again.
    """
    usual = SandboxLimits()
    return Sandbox(
        SandboxLimits(
            memory_bytes=min(usual.memory_bytes, allowed_memory(settings)),
            cpu_seconds=max(1, min(usual.cpu_seconds, int(limits.STALL_SECONDS / 4))),
            wall_seconds=min(usual.wall_seconds, limits.STALL_SECONDS / 2),
        ),
        all_layers=settings.sandbox == "require",
        scratch=scratch,
    )
