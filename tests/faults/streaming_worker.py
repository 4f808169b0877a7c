"""A worker that streams the gradients even of a tiny model.

`python -m tests.faults.streaming_worker`. Celery spawns its child, which imports this module again.
"""

from celery.signals import worker_process_init

from worker.__main__ import main


@worker_process_init.connect  # type: ignore[untyped-decorator] # Celery has no types
def stream_always(**signal: object) -> None:
    """Let no pass be short enough for the schedule `whole`."""
    from pruning.gradients import schedule

    schedule._MAX_WHOLE_SECONDS = 0


if __name__ == "__main__":
    main()
