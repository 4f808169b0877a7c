"""The test is the helper of an export: what it answers is validated, and its words name no path."""

import errno
import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from pruning.errors import InvalidInput
from pruning.exports import engine as engines
from pruning.exports import gguf
from pruning.exports.answers import (
    Answer,
    ConversionAnswer,
    ImportanceAnswer,
    MeasurementAnswer,
    QuantisationAnswer,
)
from pruning.exports.engine import Engine, ignore_steps
from pruning.exports.types import ShareStep
from pruning.sandbox.fork_server import SandboxUnavailable
from pruning.sandbox.frames import END, ERROR, JSON

pytestmark = pytest.mark.threat

CONFINED = (JSON, b'{"missing": {}}')
WINDOW = {"loss": 3.0, "reference_loss": 0.0, "kl": 0.0, "agreement": 0.0}
SPEED = {"tokens_per_second": 9.5, "spread": 0.1}
MEASURED: dict[str, Any] = {
    "evaluator": "llama.cpp b11739",
    "windows": [WINDOW],
    "types": {"blk.0.ffn_up.weight": "Q8_0"},
    "speeds": [{"prefill": SPEED, "decode": SPEED}],
}
CONVERTED = {"rules": "qwen2", "dtype": "F16", "overflow": None, "context_length": 2048}


def frame(kind: bytes, payload: bytes) -> bytes:
    return kind + len(payload).to_bytes(8, "little") + payload


Send = Callable[[socket.socket, bytes], None]


def pretend(monkeypatch: pytest.MonkeyPatch, content: bytes, send: Send = socket.socket.sendall) -> None:
    """Have every helper send these bytes and nothing else."""

    @contextmanager
    def helper(_: object) -> Iterator[tuple[subprocess.Popen[bytes], socket.socket]]:
        ours, theirs = socket.socketpair()

        def serve() -> None:
            with suppress(OSError):
                send(theirs, content)

        sender = Thread(target=serve)
        with theirs, subprocess.Popen(["sleep", "60"]) as process:
            with ours:
                sender.start()
                try:
                    yield process, ours
                finally:
                    process.kill()
            sender.join()

    monkeypatch.setattr(engines, "_helper", helper)


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """A function that runs a task, whose helper sends these frames and nothing else."""

    def run(
        *frames: tuple[bytes, bytes],
        answer: type[Answer] = QuantisationAnswer,
        step: ShareStep = ignore_steps,
        send: Send = socket.socket.sendall,
        **options: Any,
    ) -> Any:
        pretend(monkeypatch, b"".join(frame(*each) for each in frames), send)
        return Engine(**options).run("any", {}, answer, directory=tmp_path, files={}, step=step)

    return run


def text(value: object) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    ("answer", "value"),
    [(MeasurementAnswer, MEASURED), (ConversionAnswer, CONVERTED), (ImportanceAnswer, {"missing": []})],
)
def test_an_honest_answer_is_taken(
    answering: Callable[..., Any], answer: type[Answer], value: Mapping[str, Any]
) -> None:
    steps: list[float] = []
    found = answering(
        CONFINED, (JSON, b'{"share": 0.5}'), (END, text(value)), answer=answer, step=steps.append
    )
    assert json.loads(found.model_dump_json()) == value
    assert steps[-1] == 1


@pytest.mark.parametrize(
    "frames",
    [
        [(JSON, text({"share": 2.0}))],
        [(JSON, b'{"share": NaN}')],
        [(JSON, text({"share": "1"}))],
        [(JSON, text({"share": 0.5, "more": 1}))],
        [(JSON, text({"share": 0.5}) + b" " * 2**16)],
        [(JSON, b"[" * 50_000)],
        [(END, b"\x80\x04N.")],  # a pickle
        [(END, b" " * (2**24 + 1))],
        [(END, text({"types": {"blk.0.ffn_up.weight": "Q8_0\n"}}))],
        [(END, text({"types": {"../../etc/passwd": "Q8_0"}}))],
        [(END, text({"types": {"x" * 600: "Q8_0"}}))],
        [(END, text({"types": ["Q8_0"]}))],
        [(ERROR, text({"errno": errno.EROFS}))],
        [(ERROR, text({"errno": "28"}))],
        [(ERROR, text({"message": "x" * 2001}))],
        [(ERROR, text({"message": "x", "field": "gates"}))],
        [(b"t", b"text")],
    ],
)
def test_what_no_helper_answers_is_refused(
    answering: Callable[..., Any], frames: list[tuple[bytes, bytes]]
) -> None:
    with pytest.raises(InvalidInput, match="answered what no helper of this version does"):
        answering(CONFINED, *frames)


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        (MeasurementAnswer, MEASURED | {"windows": [WINDOW | {"agreement": 1.5}]}),
        (MeasurementAnswer, MEASURED | {"windows": [WINDOW | {"loss": "3"}]}),
        (MeasurementAnswer, MEASURED | {"evaluator": "<script>"}),
        (MeasurementAnswer, MEASURED | {"speeds": MEASURED["speeds"] * 3}),
        (MeasurementAnswer, MEASURED | {"speeds": [{"prefill": SPEED, "decode": SPEED | {"spread": -1.0}}]}),
        (
            MeasurementAnswer,
            MEASURED | {"speeds": [{"prefill": SPEED, "decode": SPEED | {"tokens_per_second": 1e999}}]},
        ),
        (ConversionAnswer, CONVERTED | {"rules": "a/b"}),
        (ConversionAnswer, CONVERTED | {"dtype": "Q8_0"}),
        (ConversionAnswer, CONVERTED | {"context_length": 0}),
        (ConversionAnswer, CONVERTED | {"overflow": 5}),
        (ImportanceAnswer, {"missing": "all"}),
    ],
)
def test_each_field_of_a_result_is_checked(
    answering: Callable[..., Any], answer: type[Answer], value: object
) -> None:
    with pytest.raises(InvalidInput, match="answered what no helper of this version does"):
        answering(CONFINED, (END, text(value)), answer=answer)


def test_layers_that_do_not_exist_are_refused(answering: Callable[..., Any]) -> None:
    with pytest.raises(InvalidInput, match="answered what no helper of this version does"):
        answering((JSON, b'{"missing": {"the network": "x"}}'))


def test_where_all_layers_are_required_nothing_is_exported_without_one(
    answering: Callable[..., Any],
) -> None:
    frames = (JSON, b'{"missing": {"landlock": "Operation not supported"}}'), (END, b'{"types": {}}')
    assert answering(*frames).types == {}
    with pytest.raises(SandboxUnavailable, match="the kernel does not give a helper: landlock"):
        answering(*frames, all_layers=True)


def test_a_message_names_no_directory_of_the_worker(answering: Callable[..., Any], tmp_path: Path) -> None:
    message = f"cannot open '{tmp_path}/input/my model.gguf'\nfor /srv/worker-3/jobs/a.gguf: no such file"
    with pytest.raises(InvalidInput) as failed:
        answering(CONFINED, (ERROR, text({"message": message, "field": "exports"})))
    assert str(failed.value) == "cannot open 'my model.gguf' for a.gguf: no such file"
    assert failed.value.field == "exports"


def test_without_landlock_no_word_of_it_is_shown(answering: Callable[..., Any]) -> None:
    with pytest.raises(InvalidInput, match="details hidden") as failed:
        answering((JSON, b'{"missing": {"landlock": "x"}}'), (ERROR, text({"message": "PASSWORD"})))
    assert "PASSWORD" not in str(failed.value)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENOMEM])
def test_an_error_of_the_machine_has_its_number(answering: Callable[..., Any], number: int) -> None:
    with pytest.raises(OSError, match="the export cannot be written") as failed:
        answering(CONFINED, (ERROR, text({"errno": number})))
    assert failed.value.errno == number


@pytest.mark.parametrize("content", [b"", frame(*CONFINED)], ids=["silent", "byte by byte"])
def test_a_run_is_stopped_while_it_waits_for_a_helper(answering: Callable[..., Any], content: bytes) -> None:
    """As by a cancellation, however slowly the bytes of an answer come."""
    calls = []

    def stop(share: float) -> None:
        calls.append(share)
        if len(calls) == 3:
            raise KeyboardInterrupt

    def drip(end: socket.socket, _: bytes) -> None:
        for place in range(len(content)):
            end.sendall(content[place : place + 1])
            time.sleep(0.1)

    with pytest.raises(KeyboardInterrupt):
        answering(CONFINED, step=stop, send=drip)


def test_a_check_of_a_tokenizer_has_a_time_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(gguf, "_CHECK_SECONDS", 0.1)
    pretend(monkeypatch, b"")
    with pytest.raises(InvalidInput, match=r"takes longer than 0\.1 s"):
        gguf.check(tmp_path)


def test_a_machine_without_memory_for_the_files_is_refused_with_the_numbers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(engines, "free_memory", lambda: 2**30)
    file = tmp_path / "model.gguf"
    with file.open("wb") as opened:
        opened.truncate(2**31)
    with pytest.raises(OSError, match=r"needs 3.22 GB of memory .* has 1.07 GB free") as failed:
        Engine().run("quantize", {}, QuantisationAnswer, directory=tmp_path, files={"a": file})
    assert failed.value.errno == errno.ENOMEM


def test_memory_is_limited_by_the_files_and_by_what_is_free(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(bytes(1000))
    base = Engine().limits.memory_bytes
    for free, expected in ((2**40, base + 2000), (2**31, 2**31 + 1000)):
        monkeypatch.setattr(engines, "free_memory", lambda free=free: free)
        with file.open("rb") as opened:
            assert Engine()._limits_for([opened.fileno()]).memory_bytes == expected
