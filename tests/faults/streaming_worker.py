"""A worker that streams the gradients even of a tiny model, and writes them in the background, as on a GPU.

`python -m tests.faults.streaming_worker`. Celery spawns its child, which imports this module again.
"""

from celery.signals import worker_process_init

from worker.__main__ import main


@worker_process_init.connect  # type: ignore[untyped-decorator] # Celery has no types
def stream_always(**signal: object) -> None:
    """Let no pass be short enough for the schedule `whole`, and let this CPU write its shards behind."""
    from pruning.calibration import gradient_pass
    from pruning.calibration import gradient_schedule as schedule
    from pruning.resume.writer import BackgroundWriter
    from pruning.runtime.pinned_memory import NoPinning, PinnedArena

    schedule.MAX_WHOLE_SECONDS = 0
    gradient_pass.writer_for = lambda device: BackgroundWriter(PinnedArena(NoPinning(), 0))


if __name__ == "__main__":
    main()
