"""The REST API changes on purpose: with a new snapshot."""

from tools.contracts import SNAPSHOT, openapi, text


def test_the_snapshot_says_what_the_code_does() -> None:
    assert SNAPSHOT.read_text() == text(openapi()), "run `make contracts` and read the diff"
