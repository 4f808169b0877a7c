"""What a job holds at the moment, for whoever watches it."""

import psutil
import torch


def held_bytes() -> int:
    """Allocated memory of the CUDA device where one is in use, else the resident memory of this process."""
    allocated = torch.cuda.memory_allocated() if torch.cuda.is_available() else 0
    return allocated or int(psutil.Process().memory_info().rss)
