"""Numbers, shares and sizes mean one thing each, or are refused with what to write."""

import re

import pytest

from pruneserve_client.user_input import amount, number, share, size


def test_a_share_in_percent_is_the_same_number_as_by_decimals() -> None:
    for tenths in range(1001):
        assert share(f"{tenths / 10}%") == share(f"0.{tenths:03}" if tenths < 1000 else "1")
    assert share("500 %") == 5.0


def test_a_size_has_a_decimal_unit() -> None:
    written = {"1": 1, "1B": 1, "1 kB": 10**3, "200MB": 2 * 10**8, "1.5 gb": 15 * 10**8, "2T": 2 * 10**12}
    assert {text: size(text) for text in written} == written


def test_an_amount_is_a_share_with_a_percent_sign_and_else_a_number() -> None:
    assert [amount(text) for text in ("25%", "0.25", "4")] == [0.25, 0.25, 4]
    assert [type(number(text)) for text in ("4", "4.0", "1e3")] == [int, float, float]


@pytest.mark.parametrize(
    "text", ["", "much", "nan", "-inf", "1e999", "1e-999", "9" * 5000, "1e99999999", "5%%"]
)
def test_what_is_no_finite_number_is_refused(text: str) -> None:
    for read in (number, share, amount, size):
        with pytest.raises(ValueError, match=r"^write "):
            read(text)


@pytest.mark.parametrize(
    ("text", "meant"), [("5", "5% or 0.05"), ("1.5", "1.5% or 0.015"), ("150", "a share like 5% or 0.05")]
)
def test_a_share_above_one_needs_a_percent_sign_and_what_is_proposed_is_one(text: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"^write {re.escape(meant)}, not '{text}', which has no percent"):
        share(text)


@pytest.mark.parametrize("text", ["0", "-5", "0.9", "1GiB", "GB", "5 parsecs"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^write a size like"):
        size(text)
