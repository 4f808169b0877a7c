"""A worker that saves a training's state after every step, not every two minutes.

`python -m tests.faults.saving_worker`. Celery spawns its child, which imports this module again.
"""

from celery.signals import worker_process_init

from worker.__main__ import main


@worker_process_init.connect  # type: ignore[untyped-decorator] # Celery has no types
def save_always(**signal: object) -> None:
    """Let every step be worth saving."""
    from pruning.recovery import distil
    from pruning.resume import store

    distil._SAVE_INTERVAL = 0.0
    store._MIN_WORK_RATIO = 0


if __name__ == "__main__":
    main()
