"""The memory that a job's process holds, and what others hold of the machine's."""

import psutil
import torch


def held_bytes() -> int:
    """Return the memory allocated on the CUDA device with most, if one is in use; else what is resident."""
    allocated = max(map(torch.cuda.memory_allocated, range(torch.cuda.device_count())), default=0)
    return allocated or int(psutil.Process().memory_info().rss)


def other_processes_hold_most_memory() -> bool:
    """Whether processes other than this one hold more than half of the machine's memory."""
    machine = psutil.virtual_memory()
    others = machine.total - machine.available - psutil.Process().memory_info().rss
    return bool(others > machine.total / 2)
