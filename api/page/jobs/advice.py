"""What to do about an error, where its own message does not say it."""

from jobs.states import LostAttempt

ADVICE: dict[str, str] = {
    "invalid_input": "Change the field that is named, and submit it as a new job.",
    "numerical_failure": "More calibration samples, more damping or the dtype float32 help most often.",
    "unreachable": "Run it again when the Hub answers; nothing is wrong with the recipe.",
    "store": "Run it again when the artifact store answers; finished blocks are kept.",
    "internal": "Run it again. If it fails in the same way, the worker's log has the details.",
    LostAttempt.OUT_OF_MEMORY: "Run it again on a larger machine, or as a new job with a smaller recipe.",
    LostAttempt.KILLED: "The system killed it, most often for its memory. Run it again on a larger machine.",
    LostAttempt.STALLED: "It made no progress. Look at the worker's machine, then run it again.",
    LostAttempt.LOST_WORKER: "Look at the worker's machine and its log, then run it again.",
}
