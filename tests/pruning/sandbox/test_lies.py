"""The test is the helper: whatever it sends is refused, and nothing of it is run or kept."""

import json
import socket
from array import array
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from pruning.checkpoint.description import Description
from pruning.errors import InvalidInput
from pruning.sandbox.frames import (
    END,
    ERROR,
    IDS,
    JSON,
    TEXT,
    HelperExited,
    HelperTimeout,
    ProtocolViolation,
    RunConnection,
)
from pruning.sandbox.sandbox import _TOKENIZER, _Helper
from tests.pruning.sandbox.conftest import PASSWORD

pytestmark = [pytest.mark.threat, pytest.mark.slow]


@pytest.fixture
def ends() -> Iterator[tuple[_Helper, Callable[[bytes, bytes], None], socket.socket]]:
    ours, theirs = socket.socketpair()

    def send(kind: bytes, payload: bytes) -> None:
        theirs.sendall(kind + len(payload).to_bytes(8, "little") + payload)

    with ours, theirs:
        yield _Helper(RunConnection(ours, 0.2), _TOKENIZER), send, theirs


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (IDS, b"\x80\x04N."),  # a pickle
        (IDS, b"1234567"),
        (TEXT, b"ids"),
        (END, b""),
        (IDS, array("q", [1] * (2**20 + 17)).tobytes()),
        (ERROR, b"[" * 50_000),
        (ERROR, b"\x80\x04N."),
        (b"?", b""),
    ],
)
def test_what_is_no_ids_is_refused(
    ends: tuple[_Helper, Callable[[bytes, bytes], None], socket.socket],
    kind: bytes,
    payload: bytes,
) -> None:
    helper, send, theirs = ends
    theirs.setblocking(False)
    with suppress(BlockingIOError):
        send(kind, payload)
    with pytest.raises((ProtocolViolation, HelperTimeout)):
        helper.token_ids("a")


def test_a_frame_is_not_waited_for_beyond_its_bound(
    ends: tuple[_Helper, Callable[[bytes, bytes], None], socket.socket],
) -> None:
    helper, _, theirs = ends
    theirs.sendall(JSON + (2**62).to_bytes(8, "little"))
    with pytest.raises(ProtocolViolation, match=str(2**62)):
        helper.receive_json()


def test_an_error_keeps_the_field_of_what_was_asked(
    ends: tuple[_Helper, Callable[[bytes, bytes], None], socket.socket],
) -> None:
    helper, send, _ = ends
    send(JSON, b"{}")
    helper.begin({})
    send(ERROR, json.dumps({"message": "bad", "field": "owner", "missing": {"landlock": ""}}).encode())
    with pytest.raises(InvalidInput, match="bad") as refused:
        helper.receive_json()
    assert refused.value.field == "model.id"


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ({"message": PASSWORD}, "has no Landlock"),
        ({"kind": PASSWORD}, "it makes its library fail (with an error)"),
        ({"kind": "MemoryError"}, "it makes its library fail (MemoryError)"),
        ({"message": {"MemoryError": PASSWORD}, "kind": "MemoryError"}, "has no Landlock"),
    ],
)
def test_what_it_found_without_landlock_is_not_shown(
    ends: tuple[_Helper, Callable[[bytes, bytes], None], socket.socket],
    sent: dict[str, object],
    shown: str,
) -> None:
    helper, send, _ = ends
    send(JSON, b'{"landlock": "Function not implemented"}')
    assert helper.begin({}) == ["landlock"]
    send(ERROR, json.dumps(sent).encode())
    with pytest.raises(InvalidInput) as refused:
        helper.receive_json()
    assert shown in str(refused.value)
    assert PASSWORD not in str(refused.value)


def test_a_helper_that_drips_is_given_up(
    ends: tuple[_Helper, Callable[[bytes, bytes], None], socket.socket],
) -> None:
    helper, _, theirs = ends
    theirs.sendall(JSON + (10).to_bytes(8, "little") + b"1")
    with pytest.raises(HelperTimeout):
        helper.receive_json()
    theirs.close()
    with pytest.raises((HelperTimeout, HelperExited)):
        helper.receive_json()


@pytest.mark.parametrize(
    "changes",
    [
        {"config": []},
        {"config": {"model_type": "llama", "num_hidden_layers": 10**9}},
        {"config": {"model_type": "llama", "auto_map": {"AutoConfig": "x.Y"}, "quantization_config": 1}},
        {"weight_files": []},
        {"weight_files": ["../../etc/passwd.safetensors"]},
        {"weight_files": ["config.json"]},
        {"weight_files": "model.safetensors"},
        {"licence": "[mit](https://evil.example)"},
        {"licence": 3},
        {"languages": ["[en](https://evil.example)"]},
        {"languages": "en"},
    ],
)
def test_a_description_is_checked_again(changes: dict[str, object]) -> None:
    names = ["config.json", "model.safetensors"]
    honest = {"config": {"model_type": "llama"}, "weight_files": ["model.safetensors"], "licence": None}
    assert Description.checked(honest, names).weight_files == ("model.safetensors",)
    with pytest.raises(InvalidInput) as refused:
        Description.checked({**honest, **changes}, names)
    assert refused.value.field == "model.id"
