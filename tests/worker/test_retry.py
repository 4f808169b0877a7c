"""What something outside has kept from happening is tried again, while there is a reason to."""

import pytest

from worker.retry import retry


class Away(Exception):
    pass


class Enough(Exception):
    pass


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "_FIRST_PAUSE", 0.001)
    monkeypatch.setattr(retry, "_LONGEST_PAUSE", 0.002)


def go_on() -> None:
    pass


def test_it_tries_until_it_works() -> None:
    answers = iter([Away(), Away(), "done"])

    def action() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    assert retry(action, transient=(Away,), check=go_on) == "done"


def test_what_is_not_transient_is_not_tried_again() -> None:
    tries = []

    def action() -> None:
        tries.append(1)
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - its own
        retry(action, transient=(Away,), check=go_on)
    assert len(tries) == 1


def test_patience_has_an_end() -> None:
    def action() -> None:
        raise Away

    with pytest.raises(Away):
        retry(action, transient=(Away,), check=go_on, seconds=0.01)


def test_a_reason_to_stop_ends_the_waiting() -> None:
    checks = iter([None, None, None, Enough()])

    def check() -> None:
        reason = next(checks)
        if reason is not None:
            raise reason

    def action() -> None:
        raise Away

    with pytest.raises(Enough):
        retry(action, transient=(Away,), check=check)
