"""A worker that sends even a tiny model in parts, as others send one of gigabytes.

`python -m tests.faults.parts_worker`. Celery spawns its child, which imports this module again.
"""

from jobs.storage import store
from worker.__main__ import main

PART_BYTES = 16 * 1024

store._PART_BYTES = PART_BYTES

if __name__ == "__main__":
    main()
