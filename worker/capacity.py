"""What this machine allows a job. Imports no torch: the parent of a worker uses it."""

import shutil

from jobs import limits
from jobs.queue.resources import Capacity, queue_name
from jobs.settings import Settings
from pruning.runtime.process_memory import host_memory
from worker.self_test import Gpus

_SHARE_OF_MACHINE = 0.9


def memory_limit(settings: Settings) -> int:
    """Return the memory of the host that a job's processes may hold, in bytes."""
    return settings.job_memory_bytes or int(_SHARE_OF_MACHINE * host_memory())


def scratch_room(settings: Settings) -> int:
    """Return the bytes on the scratch disk that a job may fill now."""
    return max(0, shutil.disk_usage(settings.work_dir).free - limits.MIN_FREE_DISK_BYTES)


def capacity_of(settings: Settings, gpus: Gpus) -> Capacity:
    """Return what there is now. `gpus`: those that passed the self-test, with what they have free."""
    return Capacity(
        gpus=gpus.count,
        device_bytes=gpus.free_bytes,
        host_bytes=memory_limit(settings),
        scratch_bytes=scratch_room(settings),
    )


def queue_of(settings: Settings, capacity: Capacity) -> str:
    """Return the queue that a worker reads: as the operator has named it, or by its devices."""
    return settings.queues[0] if settings.queues else queue_name(capacity)
