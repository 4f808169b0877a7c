"""The audit log stays small, whoever fails to sign in and however often, and says how often it was."""

import re
from collections.abc import Iterator

import pytest

from api.failure_log import EACH_IN_ALL, EACH_OF_AN_ADDRESS, FailureLog

pytestmark = pytest.mark.threat

HOUR = 3600


def doublings(first: int, most: int) -> Iterator[int]:
    while (first := first * 2) <= most:
        yield first


def test_an_address_gets_few_records_and_the_last_one_says_how_many_there_were() -> None:
    log = FailureLog(clock=lambda: 0.0)
    told = [note for _ in range(3600) if (note := log.note("192.0.2.1")) is not None]
    assert told[:EACH_OF_AN_ADDRESS] == [""] * EACH_OF_AN_ADDRESS
    counts = [int(re.findall(r"\d+", note)[0]) for note in told[EACH_OF_AN_ADDRESS:]]
    assert counts == list(doublings(EACH_OF_AN_ADDRESS, 3600))
    assert log.note("192.0.2.2") == "", "another address"


def test_so_do_countless_addresses() -> None:
    log = FailureLog(clock=lambda: 0.0)
    told = [note for number in range(20_000) if (note := log.note(f"address {number}")) is not None]
    assert told[:EACH_IN_ALL] == [""] * EACH_IN_ALL
    counts = [int(re.findall(r"\d+", note)[0]) for note in told[EACH_IN_ALL:]]
    assert counts == list(doublings(EACH_IN_ALL, 20_000))


def test_the_addresses_of_one_host_count_together() -> None:
    log = FailureLog(clock=lambda: 0.0)
    told = [log.note(f"2001:db8::{number:x}") for number in range(100)]
    assert len([note for note in told if note is not None]) == EACH_OF_AN_ADDRESS + 3


def test_every_hour_begins_anew() -> None:
    now = [0.0]
    log = FailureLog(clock=lambda: now[0])
    for _ in range(EACH_OF_AN_ADDRESS):
        assert log.note("192.0.2.1") == ""
    now[0] = HOUR - 1.0
    assert log.note("192.0.2.1") is None
    now[0] = HOUR
    assert log.note("192.0.2.1") == ""
