"""The log of a run as lines of JSON: each says what it is about, and no secret is in any."""

import io
import json
import logging
from typing import Any

import pytest

from jobs.monitoring.logs import SecretRedactor, log_context, write_json
from jobs.monitoring.metrics import Component
from tests.monitoring.conftest import PARTS, Run

pytestmark = pytest.mark.timeout(1200)  # the run is made in the first test that asks for it

SECRETS = {
    "DATABASE_URL": "postgresql://someone:the-database-password@db/x",
    "BROKER_URL": "redis://:the-broker-password@broker/0",
    "PRUNESERVE_SECRET_KEYS": "first-secret-key:second-secret-key",
    "PRUNESERVE_HUB_TOKEN": "a-token-without-a-form",
    "AWS_SESSION_TOKEN": "a-session-token",
}
BY_FORM = (
    "ps_abcdefgh_ABCDEFGHIJKLMNOPQRSTUVWX",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "hf_ABCDEFGHIJKLMNOPQR",
)


def entries(run: Run, part: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in run.logs[part].splitlines()]
    return [entry for entry in found if "action" not in entry]  # the audit log has a form of its own


@pytest.mark.parametrize("part", PARTS)
def test_every_line_is_json_and_says_when_what_and_who(run: Run, part: str) -> None:
    for entry in entries(run, part):
        assert {"time", "level", "logger", "message", "part"} <= entry.keys()
        assert entry["part"] == part


@pytest.mark.threat
@pytest.mark.parametrize("part", PARTS)
def test_no_secret_is_in_the_log_of_a_run(run: Run, part: str) -> None:
    assert len(run.logs[part].splitlines()) > 3
    assert [secret for secret in run.secrets if secret in run.logs[part]] == []


def test_a_job_is_found_by_its_id_in_the_logs_of_all_that_worked_on_it(run: Run) -> None:
    job = str(run.job_id)
    assert any(entry.get("job") == job for entry in entries(run, "scheduler"))
    of_worker = [entry for entry in entries(run, "worker") if entry.get("job") == job]
    assert any("attempt 1 starts" in entry["message"] for entry in of_worker)
    assert {(entry["attempt"], entry["owner"]) for entry in of_worker if "owner" in entry} == {(1, "ada")}


def test_a_request_is_found_by_the_id_that_its_answer_had(run: Run) -> None:
    (entry,) = [entry for entry in entries(run, "api") if entry.get("request") == run.request_id]
    assert (entry["method"], entry["path"], entry["status"], entry["owner"]) == (
        "POST",
        "/v1/jobs",
        201,
        "ada",
    )


def test_a_failure_has_its_traceback_in_the_same_line(run: Run) -> None:
    failed = [entry for entry in entries(run, "worker") if entry["message"].endswith("attempt 1 failed")]
    assert failed
    assert all("Traceback" in entry["exception"] and entry["job"] for entry in failed)


@pytest.mark.threat
def test_secrets_are_hidden_wherever_a_message_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in SECRETS.items():
        monkeypatch.setenv(variable, value)
    logger, written = logging.Logger("log"), io.StringIO()
    logger.addHandler(logging.StreamHandler(written))
    write_json(Component.API, logger)
    planted = [
        *SECRETS.values(),
        *("the-database-password", "the-broker-password", "first-secret-key", "second-secret-key"),
        *BY_FORM,
    ]
    for secret in planted:
        try:
            raise ValueError(f"wrong: {secret!r}")
        except ValueError:
            logger.exception("job %s: sent with %s", "1", secret)
        with log_context(where=f"by {secret}"):
            logger.warning({"as a dictionary": secret})
    logger.warning("Authorization: Bearer abcdefgh12345678, to http://someone:unknown-password@host/")
    text = written.getvalue()
    assert [secret for secret in (*planted, "abcdefgh12345678", "unknown-password") if secret in text] == []
    assert "sent with (secret)" in text
    assert len(text.splitlines()) == 2 * len(planted) + 1


@pytest.mark.threat
def test_an_error_that_quotes_a_file_cannot_fill_the_log_and_no_secret_is_cut_in_two() -> None:
    logger, written = logging.Logger("log"), io.StringIO()
    logger.addHandler(logging.StreamHandler(written))
    write_json(Component.WORKER, logger)
    try:
        raise ValueError(f"begin {f'{BY_FORM[-1]} ' * 10**5} end")
    except ValueError as error:
        logger.warning("job %s: %s", "1", error, exc_info=True)
    (line,) = written.getvalue().splitlines()
    assert len(line) < 100_000
    assert "hf_" not in line
    entry = json.loads(line)
    assert entry["message"].startswith("job 1: begin (secret)")
    assert entry["message"].endswith("end")
    assert entry["exception"].startswith("Traceback")
    assert entry["exception"].endswith("end")


@pytest.mark.threat
@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("GET https://s3/b/k?X-Amz-Signature=s3cr3t&x='s3cr3t' 403", "GET https://s3/b/k?(secret) 403"),
        ("to http://s3cr3t@host:8080/path", "to http://(secret)@host:8080/path"),
        ("to http://me:s3cr3t@s3cr3t@host/path", "to http://(secret)@host/path"),
        ("to http://me:s3cr3t?s3cr3t@host/path", "to http://(secret)"),
        ("to http://host:80?mail=a@b&s3cr3t", "to http://(secret)"),
        ("to http://host?mail=a@b&s3cr3t", "to http://host?(secret)"),
        ("to http://host/#s3cr3t", "to http://host/#(secret)"),
        (
            "Max retries exceeded with url: /b/k?s3cr3t (Caused",
            "Max retries exceeded with url: /b/k?(secret) (Caused",
        ),
        ('<a href="http://host/?s3cr3t">', '<a href="http://host/?(secret)">'),
        ("http://one/?s3cr3t http://two/a?s3cr3t", "http://one/?(secret) http://two/a?(secret)"),
        ("is it? see https://host/a#", "is it? see https://host/a#"),
    ],
)
def test_only_host_and_path_of_a_url_are_shown(said: str, shown: str) -> None:
    assert SecretRedactor(frozenset()).redact(said) == shown


@pytest.mark.threat
def test_a_line_cannot_be_forged(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in SECRETS.items():
        monkeypatch.setenv(variable, value)
    logger, written = logging.Logger("log"), io.StringIO()
    logger.addHandler(logging.StreamHandler(written))
    write_json(Component.WORKER, logger)
    logger.warning("job %s: \x1b[2J\n%s", "1", '{"level": "error"}\u202e\ud800')
    (line,) = written.getvalue().splitlines()
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["job"] == "1"
