"""The test is the helper of an export: what it answers is validated, and its words name no path."""

import errno
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import torch

from pruning.errors import InvalidInput, NumericalFailure
from pruning.exports import engine as engines
from pruning.exports import gguf
from pruning.exports.answers import (
    Answer,
    ConversionAnswer,
    MeasurementAnswer,
    QuantisationAnswer,
)
from pruning.exports.engine import Engine, ignore_steps
from pruning.exports.helper import _encoded
from pruning.exports.llama import LlamaFailed
from pruning.exports.types import OUTPUT, ShareStep
from pruning.sandbox.fork_server import SandboxUnavailable
from pruning.sandbox.frames import END, ERROR, JSON

pytestmark = pytest.mark.threat

CONFINED = (JSON, b'{"missing": {}}')
WINDOW = {"loss": 3.0, "kl": 0.0, "agreement": 0.0}
SPEED = {"tokens_per_second": 9.5, "spread": 0.1}


def measured(*windows: Mapping[str, object], reference_losses: Sequence[object] = (0.0,)) -> dict[str, Any]:
    """What a helper answers that has measured one file."""
    return {
        "evaluator": "llama.cpp b11739",
        "reference_losses": list(reference_losses),
        "files": [{"windows": list(windows), "types": {"blk.0.ffn_up.weight": "Q8_0"}}],
        "speeds": [],
    }


MEASURED = measured(WINDOW)
QUANTISED: dict[str, Any] = {
    "types": {"blk.0.ffn_up.weight": "Q8_0"},
    "missing": ["model.layers.0.mlp.up_proj"],
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
    [(MeasurementAnswer, MEASURED), (ConversionAnswer, CONVERTED), (QuantisationAnswer, QUANTISED)],
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
        [(END, text(QUANTISED | {"types": {"blk.0.ffn_up.weight": "Q8_0\n"}}))],
        [(END, text(QUANTISED | {"types": {"../../etc/passwd": "Q8_0"}}))],
        [(END, text(QUANTISED | {"types": {"x" * 600: "Q8_0"}}))],
        [(END, text(QUANTISED | {"types": ["Q8_0"]}))],
        [(END, text(QUANTISED | {"types": {"a": "Q8-0"}}))],
        [(END, text(QUANTISED | {"types": {"a": "Q" * 17}}))],
        [(END, text(QUANTISED | {"types": {str(number): f"Q{number}" for number in range(65)}}))],
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
        (MeasurementAnswer, measured(WINDOW | {"agreement": 1.5})),
        (MeasurementAnswer, measured(WINDOW | {"loss": "3"})),
        (MeasurementAnswer, measured(WINDOW, reference_losses=["3"])),
        (MeasurementAnswer, MEASURED | {"evaluator": "<script>"}),
        (MeasurementAnswer, MEASURED | {"speeds": [{"prefill": SPEED, "decode": SPEED | {"spread": -1.0}}]}),
        (
            MeasurementAnswer,
            MEASURED | {"speeds": [{"prefill": SPEED, "decode": SPEED | {"tokens_per_second": 1e999}}]},
        ),
        *(
            (MeasurementAnswer, MEASURED | {"speeds": [{"prefill": SPEED | field, "decode": SPEED}]})
            for field in ({"tokens_per_second": 1e300}, {"tokens_per_second": 1e-300}, {"spread": 1e4})
        ),
        (ConversionAnswer, CONVERTED | {"rules": "a/b"}),
        (ConversionAnswer, CONVERTED | {"dtype": "Q8_0"}),
        (ConversionAnswer, CONVERTED | {"context_length": 0}),
        (ConversionAnswer, CONVERTED | {"overflow": 5}),
        (QuantisationAnswer, QUANTISED | {"missing": "all"}),
        (QuantisationAnswer, QUANTISED | {"missing": ["../../etc/passwd"]}),
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
    frames = (JSON, b'{"missing": {"landlock": "Operation not supported"}}'), (END, text(QUANTISED))
    assert answering(*frames).types == QUANTISED["types"]
    with pytest.raises(SandboxUnavailable, match="the kernel does not give a helper: landlock"):
        answering(*frames, all_layers=True)


@pytest.mark.parametrize(
    "lie",
    [
        {"loss": -499.0},
        {"loss": 101.0},
        {"loss": float("nan")},
        {"loss": 1.7e308},  # the sum of two is beyond a float
        {"reference_loss": -0.1},
        {"reference_loss": float("inf")},
        {"kl": -0.01},
        {"kl": 499.0},
    ],
)
def test_a_measurement_that_no_model_has_is_refused(
    lie: dict[str, float], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In any window: others could hide it in the mean."""
    file = tmp_path / "model.gguf"
    file.write_bytes(b"gguf")
    honest = WINDOW | {"reference_loss": 3.0}
    for windows in ([honest, honest | lie], [honest | lie, honest | lie]):
        losses = [window["reference_loss"] for window in windows]
        of_file = [{name: window[name] for name in WINDOW} for window in windows]
        answer = frame(END, text(measured(*of_file, reference_losses=losses)))
        pretend(monkeypatch, frame(*CONFINED) + answer)
        with pytest.raises(NumericalFailure, match=f"llama.cpp computes a {next(iter(lie))} of "):
            gguf.measure([file], torch.zeros(2, 8, dtype=torch.int64), reference=file)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (measured(WINDOW), "1 windows of 2"),
        (MEASURED | {"files": []}, "0 files of 1"),
        (MEASURED | {"files": MEASURED["files"] * 2}, "2 files of 1"),
        (MEASURED | {"speeds": [{"prefill": SPEED, "decode": SPEED}]}, "the speed of 1 files of 2"),
    ],
)
def test_a_measurement_of_other_files_or_windows_is_refused(
    answer: object, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"gguf")
    pretend(monkeypatch, frame(*CONFINED) + frame(END, text(answer)))
    with pytest.raises(NumericalFailure, match=f"llama.cpp has measured {message}"):
        gguf.measure([file], torch.zeros(2, 8, dtype=torch.int64), reference=file)


@pytest.mark.parametrize("kind", ["link", "pipe", "empty", "large", "none"])
def test_what_is_no_file_of_a_possible_size_is_not_taken_over(kind: str, tmp_path: Path) -> None:
    output, secret = tmp_path / OUTPUT, tmp_path / "secret"
    secret.write_bytes(b"secret")
    make: dict[str, Callable[[], object]] = {
        "link": lambda: output.symlink_to(secret),
        "pipe": lambda: os.mkfifo(output),
        "empty": output.touch,
        "large": lambda: output.write_bytes(bytes(11)),
        "none": lambda: None,
    }
    make[kind]()
    with pytest.raises(InvalidInput, match="no file of a possible size"):
        gguf._finish(tmp_path, tmp_path / "target", 10)
    assert not (tmp_path / "target").exists()


def test_a_helper_may_write_what_its_task_needs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    allowed: dict[str, int] = {}

    def record(_: Engine, task: str, *__: object, writes: int = 2**26, **___: object) -> None:
        allowed[task] = writes
        raise InterruptedError

    monkeypatch.setattr(Engine, "run", record)
    file, weights = tmp_path / "model.gguf", tmp_path / "model.safetensors"
    file.write_bytes(bytes(1000))
    weights.write_bytes(bytes(500))
    windows = torch.zeros(1, 8, dtype=torch.int64)
    tasks: tuple[Callable[[], object], ...] = (
        lambda: gguf.check(tmp_path),
        lambda: gguf.convert(tmp_path, tmp_path / "out"),
        lambda: gguf.quantize(file, tmp_path / "out", "Q8_0"),
        lambda: gguf.measure([file], windows, reference=file),
    )
    for task in tasks:
        with pytest.raises(InterruptedError):
            task()
    expected = {"check": 2**26, "measure": 2**26, "convert": 1000 + 2**30, "quantize": 1000 + 2**26}
    assert allowed == expected
    assert Engine()._limits_for([], 5000).file_bytes == 5000


@pytest.mark.parametrize("error", [KeyError, ValueError, NotImplementedError])
@pytest.mark.parametrize("words", ["std::bad_alloc", "bad_alloc", "failed to allocate", "failed to map"])
def test_words_of_a_file_do_not_pass_for_a_lack_of_memory(
    error: type[Exception], words: str, tmp_path: Path
) -> None:
    assert "errno" not in _encoded(error(words), tmp_path)
    assert "errno" not in _encoded(LlamaFailed("llama.cpp cannot load bad_alloc-Q8_0.gguf"), tmp_path)
    assert _encoded(LlamaFailed("cannot load a.gguf (std::bad_alloc)"), tmp_path) == {"errno": errno.ENOMEM}


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("cannot open /secret", "cannot open secret"),
        ("cannot open '/srv/my dir/f': no such file", "cannot open 'f': no such file"),
        ("cannot open /srv/my dir/f: no such file", "cannot open f: no such file"),
        ("/srv/a:b/c is no file", "c is no file"),
        ("an I/O error", "an I/O error"),
    ],
)
def test_no_part_of_a_path_but_the_last_is_shown(
    message: str, shown: str, answering: Callable[..., Any]
) -> None:
    with pytest.raises(InvalidInput) as failed:
        answering(CONFINED, (ERROR, text({"message": message})))
    assert str(failed.value) == shown


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


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_that_is_none_is_not_believed(answering: Callable[..., Any], number: int) -> None:
    """It would quarantine the worker."""
    with pytest.raises(InvalidInput, match=f"reports '{os.strerror(number)}', and its disk has .* free"):
        answering(CONFINED, (ERROR, text({"errno": number})))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENOMEM])
@pytest.mark.parametrize("has_quota", [False, True])
def test_an_error_of_the_machine_has_its_number(
    answering: Callable[..., Any], number: int, has_quota: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for a full disk, or for a quota that is used up on a disk with room."""

    def allocate(*_: object) -> None:
        raise OSError(errno.EDQUOT, "quota")

    if has_quota:
        monkeypatch.setattr(os, "posix_fallocate", allocate)
    else:
        free = shutil.disk_usage("/")._replace(free=2**26 - 1)
        monkeypatch.setattr(engines.shutil, "disk_usage", lambda _: free)
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
