import pytest

from pruning.byte_size import byte_size


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (1234, "1.23 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (13_421_772_800, "13.4 GB"),
        (999_600_000_000, "1 TB"),
        (2**60, "1152922 TB"),
        (-5, "-5 B"),
    ],
)
def test_bytes_are_said_in_decimal_units_and_without_an_exponent(count: int, said: str) -> None:
    assert byte_size(count) == said
