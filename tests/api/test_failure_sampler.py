"""The audit log stays small, whoever fails to sign in and however often, and says how often it was."""

import re
from collections.abc import Iterator

import pytest

from api import rate_limit
from api.rate_limit import MAX_FIRST_FAILURES, UNSAMPLED_PER_ADDRESS, UNSAMPLED_TOTAL, FailureSampler

pytestmark = pytest.mark.threat

HOUR = 3600


def doublings(first: int, most: int) -> Iterator[int]:
    while (first := first * 2) <= most:
        yield first


def stored(log: FailureSampler, address: str) -> str | None:
    """What the record says, if the table gets one."""
    note = log.count(address)
    return None if note is None or not note.stored else note.suffix


def test_an_address_gets_few_records_and_the_last_has_the_count() -> None:
    log = FailureSampler(clock=lambda: 0.0)
    notes = [note for _ in range(3600) if (note := log.count("192.0.2.1")) is not None]
    told = [note.suffix for note in notes if note.stored]
    assert len(told) == len(notes), "its lines are as few as its records"
    assert told[:UNSAMPLED_PER_ADDRESS] == [""] * UNSAMPLED_PER_ADDRESS
    counts = [int(re.findall(r"\d+", note)[0]) for note in told[UNSAMPLED_PER_ADDRESS:]]
    assert counts == list(doublings(UNSAMPLED_PER_ADDRESS, 3600))
    assert stored(log, "192.0.2.2") == "", "another address"


def test_so_do_countless_addresses() -> None:
    log = FailureSampler(clock=lambda: 0.0)
    told = [note for number in range(20_000) if (note := stored(log, f"address {number}")) is not None]
    assert told[:UNSAMPLED_TOTAL] == [""] * UNSAMPLED_TOTAL
    counts = [int(re.findall(r"\d+", note)[0]) for note in told[UNSAMPLED_TOTAL:]]
    later = [count for count in doublings(UNSAMPLED_TOTAL, 20_000) if count > MAX_FIRST_FAILURES]
    assert counts == [*range(UNSAMPLED_TOTAL + 1, MAX_FIRST_FAILURES + 1), *later]


def test_a_network_that_uses_up_the_records_hides_no_other() -> None:
    log = FailureSampler(clock=lambda: 0.0)
    for number in range(UNSAMPLED_TOTAL):
        log.count(f"2001:db8:0:{number % 100:x}::1")
    assert "number 1001" in (stored(log, "192.0.2.1") or "")
    later = [log.count("192.0.2.1") for _ in range(UNSAMPLED_PER_ADDRESS - 1)]
    assert [note is not None and not note.stored for note in later] == [True] * (UNSAMPLED_PER_ADDRESS - 1)


def test_failures_of_an_untracked_address_are_logged_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "_MAX_ADDRESSES", 2)
    log = FailureSampler(clock=lambda: 0.0)
    for address in ("192.0.2.1", "192.0.2.2"):
        log.count(address)
    assert all(log.count("192.0.2.3") for _ in range(5 * UNSAMPLED_PER_ADDRESS))
    remembered = [log.count("192.0.2.1") for _ in range(5 * UNSAMPLED_PER_ADDRESS)]
    assert None in remembered


def test_the_addresses_of_one_host_count_together() -> None:
    log = FailureSampler(clock=lambda: 0.0)
    told = [log.count(f"2001:db8::{number:x}") for number in range(100)]
    assert len([note for note in told if note is not None]) == UNSAMPLED_PER_ADDRESS + 3


def test_every_hour_begins_anew() -> None:
    now = [0.0]
    log = FailureSampler(clock=lambda: now[0])
    for _ in range(UNSAMPLED_PER_ADDRESS):
        assert stored(log, "192.0.2.1") == ""
    now[0] = HOUR - 1.0
    assert log.count("192.0.2.1") is None
    now[0] = HOUR
    assert stored(log, "192.0.2.1") == ""
