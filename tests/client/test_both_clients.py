"""`Client` and `AsyncClient` are one client, which waits in two ways."""

import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest

from pruneserve_client import AsyncClient, Client
from tools.sync_client import BY_HAND, CLIENT, generated, synchronous


def test_the_client_for_threads_is_generated_from_the_one_for_loops() -> None:
    expected = generated()
    for path, text in expected.items():
        assert path.read_text() == text, "the client for event loops has changed: run `make client`"
    by_hand = {CLIENT / "synchronous" / f"{name}.py" for name in BY_HAND}
    assert {*(CLIENT / "synchronous").glob("*.py")} == by_hand | expected.keys()


def test_both_have_the_same_methods_with_the_same_parameters() -> None:
    methods, loop_methods = _methods(Client), _methods(AsyncClient)
    assert methods.keys() == loop_methods.keys()
    assert {"submit", "follow", "wait", "download", "upload", "create_webhook", "promote"} <= methods.keys()
    for name, method in methods.items():
        mine, its = inspect.signature(method), inspect.signature(loop_methods[name])
        assert list(mine.parameters.values()) == list(its.parameters.values()), name
        assert _plain(its.return_annotation) == _plain(mine.return_annotation)
        assert inspect.getdoc(method) == inspect.getdoc(loop_methods[name])


def test_one_of_them_only_returns_what_is_to_be_awaited() -> None:
    for name, method in _methods(AsyncClient).items():
        iterates = "AsyncIterator" in str(inspect.signature(method).return_annotation)
        assert inspect.iscoroutinefunction(method) != iterates, name
    for name, method in _methods(Client).items():
        assert not inspect.iscoroutinefunction(method), name
        assert not inspect.isasyncgenfunction(method), name


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


def _methods(client: type) -> dict[str, Callable[..., Any]]:
    return {name: method for name, method in inspect.getmembers(client, callable) if not name.startswith("_")}


def _plain(annotation: object) -> str:
    return re.sub(r"\bAsync|collections\.abc\.Async", "", str(annotation)).replace("collections.abc.", "")
