"""Transient failures are retried until they are over, the time is up, or there is a reason to stop."""

import logging
import time

import pytest
from tenacity import wait_fixed

from worker import retry as retry_module
from worker.retry import retry


class Transient(Exception):
    pass


class Interrupt(Exception):
    pass


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_module, "_FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr(retry_module, "_MAX_WAIT_SECONDS", 0.002)


def never() -> None:
    """No reason to stop."""


class Failing:
    """An action that fails so many times, and then returns "done"."""

    def __init__(self, failures: float, error: type[Exception] = Transient) -> None:
        self.failures = failures
        self.error = error
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error("at secret-host")
        return "done"


def test_a_transient_failure_is_retried_until_it_is_over() -> None:
    action = Failing(2)
    assert retry(action, on=(Transient,), check=never) == "done"
    assert action.calls == 3


def test_other_failures_are_raised_at_once() -> None:
    action = Failing(1, ValueError)
    with pytest.raises(ValueError, match="at secret-host"):
        retry(action, on=(Transient,), check=never)
    assert action.calls == 1


def test_after_the_timeout_the_last_failure_is_raised() -> None:
    with pytest.raises(Transient):
        retry(Failing(float("inf")), on=(Transient,), check=never, timeout=0.01)


def test_no_second_try_begins_after_the_timeout() -> None:
    action = Failing(1)
    with pytest.raises(Transient):
        retry(action, on=(Transient,), check=never, timeout=0.0)
    assert action.calls == 1


def test_the_time_of_an_action_that_takes_longer_than_the_timeout_begins_with_its_failure() -> None:
    action = Failing(1)

    def transfer() -> str:
        time.sleep(0.05)
        return action()

    assert retry(transfer, on=(Transient,), check=never, timeout=0.05) == "done"


def test_a_reason_to_stop_ends_the_retries() -> None:
    checks = iter([None, None, None, Interrupt()])

    def check() -> None:
        reason = next(checks)
        if reason is not None:
            raise reason

    with pytest.raises(Interrupt):
        retry(Failing(float("inf")), on=(Transient,), check=check)


def test_a_reason_to_stop_is_noticed_before_the_first_try() -> None:
    def check() -> None:
        raise Interrupt

    action = Failing(0)
    with pytest.raises(Interrupt):
        retry(action, on=(Transient,), check=check)
    assert action.calls == 0


def test_a_reason_to_stop_is_noticed_in_the_middle_of_a_long_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_module, "wait_random_exponential", lambda **_: wait_fixed(3600.0))
    monkeypatch.setattr(retry_module, "_SECONDS_BETWEEN_CHECKS", 0.001)
    action = Failing(1)

    def check() -> None:
        if action.calls:
            raise Interrupt

    with pytest.raises(Interrupt):
        retry(action, on=(Transient,), check=check)


def test_the_log_names_the_failure_and_not_its_text(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        retry(Failing(1), on=(Transient,), check=never)
    assert "Transient" in caplog.text
    assert "secret-host" not in caplog.text
