"""The front against the definition: what no other result dominates."""

from hypothesis import given
from hypothesis import strategies as st

from jobs.sweeps.pareto import front

steps = st.integers(0, 4)
results = st.lists(st.tuples(steps, steps))


@given(results)
def test_the_front_is_what_no_other_dominates(found: list[tuple[float, float]]) -> None:
    def is_dominated(one: tuple[float, float]) -> bool:
        return any(
            other != one and all(theirs <= own for theirs, own in zip(other, one, strict=True))
            for other in found
        )

    assert front(found) == {one for one in found if not is_dominated(one)}
