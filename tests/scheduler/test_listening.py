"""A scheduler runs a round when the queue has changed."""

import threading

from sqlalchemy import text

from jobs.database import Database
from jobs.settings import Settings
from scheduler.rounds import QueueListener
from tests.conftest import Submit

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
