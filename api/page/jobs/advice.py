"""What to do about an error, by its type, if its message does not say it."""

from jobs.states import LostAttempt

ADVICE: dict[str, str] = {
    "invalid_input": "Change the field that the message names, and submit a new job.",
    "numerical_failure": "More calibration samples or dtype float32 usually help.",
    "unreachable": "The Hub did not answer for as long as jobs wait for it. Retry when it answers again.",
    "timeout": "Submit it again with more time, or with fewer samples.",
    "store": "Retry when the artifact store answers again; finished blocks are kept.",
    "internal": "Retry the job. If it fails again in the same way, the worker's log has the details.",
    LostAttempt.OUT_OF_MEMORY: "Retry on a larger machine, or submit a smaller recipe as a new job.",
    LostAttempt.KILLED: "The system killed it, usually for its memory. Retry on a machine with more memory.",
    LostAttempt.STALLED: "It made no progress. Check the worker's machine, then retry.",
    LostAttempt.LOST_WORKER: "Check the worker's machine and its log, then retry.",
}
