"""Why a running job must stop, as exceptions that a run lets through."""


class Stopped(Exception):
    """The run must not go on."""


class CancelRequested(Stopped):
    """Whoever owns the job has asked for its end."""


class LeaseLost(Stopped):
    """The job is not this worker's any more: nothing that it does may count."""


class ShuttingDown(Stopped):
    """The worker must exit; another one is to take the job."""
