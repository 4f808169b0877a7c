"""The audit log stays small, whoever fails to sign in and however often, and says how often it was."""

import re
from collections.abc import Iterator

import pytest

from api import failure_log
from api.failure_log import MAX_FIRST_FAILURES, UNSAMPLED_PER_ADDRESS, UNSAMPLED_TOTAL, FailureLog

pytestmark = pytest.mark.threat

HOUR = 3600


def doublings(first: int, most: int) -> Iterator[int]:
    while (first := first * 2) <= most:
        yield first


def stored(log: FailureLog, address: str) -> str | None:
    """What the record says, if the table gets one."""
    note = log.note(address)
    return None if note is None or not note.stored else note.more


def test_an_address_gets_few_records_and_the_last_one_says_how_many_there_were() -> None:
    log = FailureLog(clock=lambda: 0.0)
    notes = [note for _ in range(3600) if (note := log.note("192.0.2.1")) is not None]
    told = [note.more for note in notes if note.stored]
    assert len(told) == len(notes), "its lines are as few as its records"
    assert told[:UNSAMPLED_PER_ADDRESS] == [""] * UNSAMPLED_PER_ADDRESS
    counts = [int(re.findall(r"\d+", note)[0]) for note in told[UNSAMPLED_PER_ADDRESS:]]
    assert counts == list(doublings(UNSAMPLED_PER_ADDRESS, 3600))
    assert stored(log, "192.0.2.2") == "", "another address"


def test_so_do_countless_addresses() -> None:
    log = FailureLog(clock=lambda: 0.0)
    told = [note for number in range(20_000) if (note := stored(log, f"address {number}")) is not None]
    assert told[:UNSAMPLED_TOTAL] == [""] * UNSAMPLED_TOTAL
    counts = [int(re.findall(r"\d+", note)[0]) for note in told[UNSAMPLED_TOTAL:]]
    later = [count for count in doublings(UNSAMPLED_TOTAL, 20_000) if count > MAX_FIRST_FAILURES]
    assert counts == [*range(UNSAMPLED_TOTAL + 1, MAX_FIRST_FAILURES + 1), *later]


def test_a_network_that_uses_up_the_records_hides_nobody_else() -> None:
    log = FailureLog(clock=lambda: 0.0)
    for number in range(UNSAMPLED_TOTAL):
        log.note(f"2001:db8:0:{number % 100:x}::1")
    assert "number 1001" in (stored(log, "192.0.2.1") or "")
    later = [log.note("192.0.2.1") for _ in range(UNSAMPLED_PER_ADDRESS - 1)]
    assert [note is not None and not note.stored for note in later] == [True] * (UNSAMPLED_PER_ADDRESS - 1)


def test_an_address_that_is_not_remembered_is_told_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failure_log, "_MOST_ADDRESSES", 2)
    log = FailureLog(clock=lambda: 0.0)
    for address in ("192.0.2.1", "192.0.2.2"):
        log.note(address)
    assert all(log.note("192.0.2.3") for _ in range(5 * UNSAMPLED_PER_ADDRESS))
    remembered = [log.note("192.0.2.1") for _ in range(5 * UNSAMPLED_PER_ADDRESS)]
    assert None in remembered


def test_the_addresses_of_one_host_count_together() -> None:
    log = FailureLog(clock=lambda: 0.0)
    told = [log.note(f"2001:db8::{number:x}") for number in range(100)]
    assert len([note for note in told if note is not None]) == UNSAMPLED_PER_ADDRESS + 3


def test_every_hour_begins_anew() -> None:
    now = [0.0]
    log = FailureLog(clock=lambda: now[0])
    for _ in range(UNSAMPLED_PER_ADDRESS):
        assert stored(log, "192.0.2.1") == ""
    now[0] = HOUR - 1.0
    assert log.note("192.0.2.1") is None
    now[0] = HOUR
    assert stored(log, "192.0.2.1") == ""
