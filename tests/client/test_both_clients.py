"""`Client` and `AsyncClient` are one client, which waits in two ways."""

import inspect

import pytest

from pruneserve_client import AsyncClient
from tools.sync_client import BY_HAND, CLIENT, generated, synchronous


def test_the_client_for_threads_is_generated_from_the_one_for_loops() -> None:
    expected = generated()
    for path, text in expected.items():
        assert path.read_text() == text, "the client for event loops has changed: run `make client`"
    by_hand = {CLIENT / "synchronous" / f"{name}.py" for name in BY_HAND}
    assert {*(CLIENT / "synchronous").glob("*.py")} == by_hand | expected.keys()


def test_the_client_for_loops_only_returns_what_is_to_be_awaited() -> None:
    for name, method in inspect.getmembers(AsyncClient, callable):
        if not name.startswith("_"):
            iterates = "AsyncIterator" in str(inspect.signature(method).return_annotation)
            assert inspect.iscoroutinefunction(method) != iterates, name


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("async def f(): await g()", "def f(): g()"),
        ("async with a as b:\n    async for c in b:\n        c", "with a as b:\n    for c in b:\n        c"),
        ("x = [y async for y in z]  # await it\n", "x = [y for y in z]  # it\n"),
        ('s = "await AsyncClient(...)"', 's = "Client(...)"'),
        ("awaited = asynchronously.AsyncClients", "awaited = asynchronously.AsyncClients"),
    ],
)
def test_only_words_go_and_names_change(code: str, expected: str) -> None:
    assert synchronous(code).rstrip("\n") == expected.rstrip("\n")
