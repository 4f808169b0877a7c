"""Celery's configuration. The names of the variables are Celery's."""

# Celery shows monitors every name here that has no underscore in front.
from jobs.secret_files import WrongSettings as _WrongSettings
from jobs.secret_files import missing as _missing
from jobs.settings import settings as _settings

_broker = _settings().broker_url
if _broker is None:
    raise _WrongSettings(_missing("BROKER_URL", "redis://…"))
broker_url = _broker.get_secret_value()
broker_connection_retry_on_startup = True
broker_connection_max_retries = None
# A broker whose disk is full, or that is a replica now, refuses a worker's reads: they take messages away.
broker_channel_error_retry = True
# Without timeouts, a read from a broker that has vanished would block for ever. A call, which is tried twice,
# must end well within `jobs.database.IDLE_SECONDS`: the scheduler calls in a transaction.
broker_transport_options = {
    "socket_timeout": 3,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 25,
}

include = ["worker.tasks"]
task_ignore_result = True
task_acks_late = False

if _settings().log_format == "json":  # the few lines of a child before its handlers are set up
    worker_log_format = (
        '{"time": "%(asctime)s", "level": "%(levelname)s", "logger": "%(name)s", "message": "%(message)s", '
        '"part": "worker"}'
    )

worker_concurrency = 1
worker_prefetch_multiplier = 1
# A message prefetched behind a long job would wake no other worker.
worker_disable_prefetch = True
worker_send_task_events = True  # for monitors such as Flower
worker_pool_start_method = "spawn"  # CUDA does not survive a fork
# The child imports torch before it reports, which takes minutes on an overloaded machine. A child that is
# only slow must not be killed, since the next one would be as slow.
worker_proc_alive_timeout = 600
# In KiB of peak memory: a child that has held a large model is replaced, which frees all of its memory. A
# smaller one is used again, which saves importing torch and measuring the machine for every job.
worker_max_memory_per_child = 4_000_000
