"""A scheduler runs a round when the queue has changed, and without a connection to hear of it in time."""

import threading

from sqlalchemy import text

from cli.embedded.process import LOOPBACK, free_port
from jobs.database import Database
from jobs.settings import Settings
from jobs.states import JobState
from scheduler.rounds import QueueListener
from tests.conftest import Submit
from tests.stack import Stack

END = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'pruneserve-scheduler-events'"
)


def test_a_change_of_the_queue_wakes_also_after_a_lost_connection(
    database: Database, settings: Settings, submit: Submit
) -> None:
    woken = threading.Event()
    listening = QueueListener(settings, woken.set)
    listening.start()
    assert woken.wait(30), "it is connected"
    for lose_connection in (False, True):
        if lose_connection:
            with database.begin() as session:
                session.execute(END)
            assert woken.wait(30), "it is connected again"
        woken.clear()
        submit()
        assert woken.wait(30)
    listening.stop()


def test_rounds_find_what_is_not_notified(stack: Stack) -> None:
    nobody = f"postgresql://somebody@{LOOPBACK}:{free_port()}/nothing"
    stack.environment |= {"DATABASE_LISTEN_URL": nobody}
    stack.start("tests.faults.no_op_worker")
    stack.start_scheduler()
    for _ in range(2):
        assert stack.wait_for_end(stack.submit(stack.spec())).state == JobState.SUCCEEDED
