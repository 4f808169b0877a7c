"""What tests of the scheduler share with those of a worker."""

from tests.worker.conftest import (
    claim,
    cut_connections,
    environment,
    eventually,
    fast_heartbeats,
    receive,
    store_url,
    worker,
)

__all__ = [
    "claim",
    "cut_connections",
    "environment",
    "eventually",
    "fast_heartbeats",
    "receive",
    "store_url",
    "worker",
]
