"""Numbers as people write them."""

from datetime import UTC, datetime, timedelta

import pytest

from api.page.base.format import change, describe_event, nats, next_try, percent
from jobs.lifecycle.events import ChangedCondition, StageRestarted
from pruning.recipe import Stage

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


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.00051234, "0.0005123 nats"), (-1.234e-05, f"{MINUS}1.234e{MINUS}05 nats"), (0.25, "0.25 nats")],
)
def test_a_divergence_has_digits_that_tell_it_from_a_limit(value: float, written: str) -> None:
    assert nats(value) == written


def test_a_try_that_is_due_is_not_announced_for_the_past() -> None:
    now = datetime.now(UTC)
    later = now + timedelta(hours=1)
    assert next_try(later) == f"next try at {later:%H:%M:%S} UTC"
    assert next_try(now - timedelta(seconds=1)) == "tried again once a worker is free"


def test_a_restart_shows_what_is_computed_again_and_why() -> None:
    changes = [
        ChangedCondition(name="device", before="cuda:0 (NVIDIA A100)", now="cuda:0 (NVIDIA H100)"),
        ChangedCondition(name="threads", before="8", now="4"),
    ]
    event = StageRestarted(attempt=2, stages=[Stage.GRADIENTS, Stage.PRUNE], blocks=17, changes=changes)
    assert describe_event(event) == (
        "17 finished blocks are computed again (gradients and prune): "
        "device cuda:0 (NVIDIA A100) before, cuda:0 (NVIDIA H100) now, threads 8 before, 4 now"
    )
