"""Transient failures are retried until they are over, the time is up, or there is a reason to stop."""

import logging
import weakref

import pytest

from jobs import retry as retry_module
from jobs.retry import retry, retry_once


class Transient(Exception):
    pass


class Interrupt(Exception):
    pass


def is_transient(error: BaseException) -> bool:
    return isinstance(error, Transient)


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
    monkeypatch.setattr(retry_module, "_MAX_WAIT_SECONDS", 3600.0)
    monkeypatch.setattr(retry_module, "_SECONDS_BETWEEN_CHECKS", 0.001)
    action = Failing(1)

    def check() -> None:
        if action.calls:
            raise Interrupt

    with pytest.raises(Interrupt):
        retry_once(action, on=is_transient, check=check)


@pytest.mark.parametrize(("failures", "succeeds"), [(0, True), (1, True), (2, False)])
def test_one_more_try_and_no_third(failures: int, succeeds: bool) -> None:
    action = Failing(failures)
    if succeeds:
        assert retry_once(action, on=is_transient, check=never) == "done"
    else:
        with pytest.raises(Transient):
            retry_once(action, on=is_transient, check=never)
    assert action.calls == min(failures + 1, 2)


def test_what_a_failed_try_held_is_freed_before_the_next() -> None:
    """A try that ran out of memory must not keep its tensors alive by the traceback of its error."""

    class Tensor:
        pass

    held: list[weakref.ref[Tensor]] = []

    def action() -> bool:
        if held:
            return held[0]() is None
        tensor = Tensor()
        held.append(weakref.ref(tensor))
        raise Transient

    assert retry(action, on=(Transient,), check=never)
    held.clear()
    assert retry_once(action, on=is_transient, check=never)


def test_the_log_names_the_failure_and_not_its_text(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        retry(Failing(1), on=(Transient,), check=never)
    assert "Transient" in caplog.text
    assert "secret-host" not in caplog.text
