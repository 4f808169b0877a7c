"""The memory that a job's process holds now, for its progress events."""

import psutil
import torch


def held_bytes() -> int:
    """Return the memory allocated on the CUDA device, if one is in use, or else the resident memory."""
    allocated = torch.cuda.memory_allocated() if torch.cuda.is_available() else 0
    return allocated or int(psutil.Process().memory_info().rss)
