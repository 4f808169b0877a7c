"""What a worker logs about a job is among its events: bounded, and without secrets."""

import logging
from uuid import UUID

import pytest

from jobs.lifecycle.events import LogMessage
from jobs.states import JobState
from tests.conftest import Submit
from tests.worker.one_job import Service

SECRET = "ps_abcdefgh_ABCDEFGHIJKLMNOPQRSTUVWX"


def messages(service: Service, job_id: UUID) -> list[str]:
    return [event.data.message for event in service.events(job_id) if isinstance(event.data, LogMessage)]


def test_warnings_and_what_the_library_says_are_events(service: Service, job_id: UUID) -> None:
    def log() -> None:
        logging.getLogger("pruning").parent.setLevel(logging.INFO)
        logging.getLogger("pruning.models").info("no room to copy the next block")
        logging.getLogger("pruning.runtime.device").warning("slow: %s", "no kernel")
        logging.getLogger("worker.attempt").info("of no use")
        logging.getLogger("worker.attempt").warning("job %s: heartbeat failed", job_id)
        logging.getLogger("worker.run_job").warning("job %s: attempt 1 failed", job_id)

    service.library.in_the_middle = log
    assert service.run(job_id).state == JobState.SUCCEEDED
    assert messages(service, job_id) == [
        "info: no room to copy the next block",
        "warning: slow: no kernel",
        f"warning: job {job_id}: heartbeat failed",
    ]


SIGNED = "https://files.internal/blob?X-Amz-Signature=0123456789abcdef"


@pytest.mark.threat
def test_no_line_of_another_package_and_no_signed_url_is_an_event(service: Service, job_id: UUID) -> None:
    """As huggingface_hub, OpenTelemetry and urllib3 log it; `workers` only begins as a package of ours."""

    def log() -> None:
        logging.getLogger("huggingface_hub.file_download").warning("Error while downloading from %s", SIGNED)
        logging.getLogger("opentelemetry.exporter").error("cannot export to collector.internal:4317")
        logging.getLogger("urllib3.connectionpool").warning("Retrying: db.internal")
        logging.getLogger("workers").critical("of another package")
        logging.getLogger("jobs.storage.store").error("bucket.internal refused")
        logging.getLogger().error("of nobody in particular")
        logging.getLogger("pruning.models").warning("could not read %s: using the copy", SIGNED)

    service.library.in_the_middle = log
    assert service.run(job_id).state == JobState.SUCCEEDED
    assert messages(service, job_id) == [
        "warning: could not read https://files.internal/blob?(secret) using the copy"
    ]


@pytest.mark.threat
def test_lines_are_few_short_and_without_secrets(service: Service, job_id: UUID) -> None:
    def log() -> None:
        for number in range(150):
            logging.getLogger("pruning.methods").error("%d %s \x1b[2J %s", number, SECRET, "x" * 1000)

    service.library.in_the_middle = log
    service.run(job_id)
    recorded = messages(service, job_id)
    assert len(recorded) == 101
    assert [int(line.split()[1]) for line in recorded[:-1]] == list(range(100))
    assert recorded[-1] == "this attempt has logged 100 lines; further ones are in the worker's log alone"
    assert all(len(line) < 520 for line in recorded)
    assert not any(SECRET in line or "\x1b" in line for line in recorded)


def test_lines_logged_before_a_failure_are_events(service: Service, job_id: UUID) -> None:
    def fail() -> None:
        logging.getLogger("pruning.methods").warning("the last words")
        raise ValueError("for the test")

    service.library.in_the_middle = fail
    assert service.run(job_id).state == JobState.FAILED
    assert messages(service, job_id) == ["warning: the last words"]


def test_lines_after_the_attempt_are_no_events(service: Service, job_id: UUID, submit: Submit) -> None:
    before = list(logging.getLogger().handlers)
    service.run(job_id)
    assert logging.getLogger().handlers == before
    logging.getLogger("pruning.methods").warning("between two jobs")
    following = submit()
    service.run(following)
    assert messages(service, following) == []
