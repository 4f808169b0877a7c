"""Numbers as people write them."""

from datetime import UTC, datetime, timedelta

import pytest

from api.page.base.format import change, next_try, percent

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("dense", "pruned", "written"),
    [
        (10.0, 10.0, "0 %"),
        (10.0, 10.0004, "0 %"),
        (10.0, 9.9996, "0 %"),
        (10.0, 10.006, "+0.1 %"),
        (10.0, 9.99, f"{MINUS}0.1 %"),
        (10.0, 25.0, "+150.0 %"),
        (10.0, float("nan"), "\N{EN DASH}"),
        (None, 1.0, "\N{EN DASH}"),
    ],
)
def test_an_increase_of_nothing_has_no_sign(dense: float | None, pruned: float, written: str) -> None:
    assert change((dense, pruned)) == written


@pytest.mark.parametrize(
    ("share", "written"),
    [(0.5, "50 %"), (-0.0002, "0 %"), (0.0004, "0 %"), (-0.31, f"{MINUS}31 %"), (0.1234, "12.3 %")],
)
def test_a_share_has_one_decimal_if_it_is_not_zero(share: float, written: str) -> None:
    assert percent(share) == written


def test_a_try_that_is_due_is_not_announced_for_the_past() -> None:
    now = datetime.now(UTC)
    later = now + timedelta(hours=1)
    assert next_try(later) == f"next try at {later:%H:%M:%S} UTC"
    assert next_try(now - timedelta(seconds=1)) == "tried again once a worker is free"
