"""Internal timings and limits of the service. They are constants: no installation needs other values.

Read them as attributes of this module. For tests of real processes alone, the environment variable
`PRUNESERVE_TEST_LIMITS` replaces some, by a JSON object such as `{"LEASE_SECONDS": 10}`. All processes of an
installation must agree on the values, so it is not a setting.
"""

import json
import os

HEARTBEAT_SECONDS: float = 5.0
"""Between two heartbeats of a worker or scheduler. At most half a lease: a late one must not lose a job."""

LEASE_SECONDS: float = 30.0
"""After this time without a heartbeat a worker loses its job, and counts as gone."""

CANCEL_GRACE_SECONDS: float = 7.0
"""Time for a cancelled job to stop before its process is killed."""

STALL_SECONDS: float = 7200.0
"""After this time without progress a job's process is killed. The download of a large model is one step."""

MAX_RUN_SECONDS: float = 7 * 86_400.0
"""On workers, in all attempts since the last retry; then a job fails."""

MAX_LOST_ATTEMPTS: int = 3
"""Lost in a row without a newly finished block; then a job fails."""

MAX_WORKER_FAULTS: int = 6
"""Attempts that failed through a fault of their worker, or whose whole worker died; then a job fails."""

QUARANTINE_SECONDS: float = 60.0
"""Between two self-tests of a worker in quarantine."""

MIN_FREE_DISK_BYTES: int = 2**28
"""On the scratch disk, for a job to start and to go on."""

RESUME_SECONDS: float = 900.0
"""For this time in the queue, a job that went back is expected to go on soon where it has left off."""

ORPHANED_FILE_SECONDS: float = 3600.0
"""After the end of an attempt, its files that no row names are deleted."""

MAX_FAILED_SIGN_INS_PER_MINUTE: int = 60
"""Requests with a wrong key, session or sign-in link from one address, counted by each API process."""

_REPLACED = json.loads(os.environ.get("PRUNESERVE_TEST_LIMITS") or "{}")
if unknown := _REPLACED.keys() - __annotations__.keys():
    raise ValueError(f"PRUNESERVE_TEST_LIMITS: no such limit: {', '.join(sorted(unknown))}")
globals().update(_REPLACED)
