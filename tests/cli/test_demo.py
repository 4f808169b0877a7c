"""What the demo says of its service."""

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import pytest

from cli.demo import __main__ as demo
from cli.demo.__main__ import DemoService, _see_it_again, answer, exports
from cli.terminal import CommandFailed


class Announcing(DemoService):
    """Says where the page is, as `up` does, and goes on."""

    def _command(self) -> Sequence[str]:
        said = f"print('  page    {self.url}/sign-in?token=t  (works once)', flush=True)"
        return [sys.executable, "-c", f"import time; {said}; time.sleep(600)"]


@pytest.mark.slow
def test_the_demo_service_is_ready_once_it_prints_its_page(tmp_path: Path) -> None:
    (tmp_path / "up").mkdir()
    service = Announcing(tmp_path, models=tmp_path)
    service.log.write_text(f"{service.url}/sign-in?token=of-an-earlier-demo\n")
    with service:
        assert service.sign_in_link == f"{service.url}/sign-in?token=t"


def test_the_demo_prints_how_to_start_the_service_first(tmp_path: Path) -> None:
    service, job_id = DemoService(tmp_path, models=tmp_path), uuid4()
    command, address = (line.strip() for line in _see_it_again(service, job_id).split("\n")[1::2])
    assert command.startswith(".venv/bin/pruneserve up --data")
    assert f"--port {service.port}" in command
    assert address == f"http://127.0.0.1:{service.port}/jobs/{job_id}"


def test_ctrl_c_is_answered_before_the_service_has_stopped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []

    def interrupted() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        finally:  # where the service stops
            said.append(capsys.readouterr().err)

    monkeypatch.setattr(demo, "_demo", interrupted)
    before = signal.getsignal(signal.SIGINT)
    try:
        assert demo.main() == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert "stopping the service" in said[0]
    assert "submits a new job" in said[0]


@pytest.mark.parametrize("code", [0, 1])
def test_the_demo_exports_a_file_where_llama_cpp_is_installed(
    code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\necho no wheel of this machine >&2; exit {code}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    assert exports() == ([] if code else ["gguf:Q8_0"])


def test_a_file_that_llama_cpp_does_not_load_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_text("no model")
    with pytest.raises(CommandFailed, match=r"llama.cpp does not answer with .*model\.gguf: \w+Error: "):
        answer(tmp_path / "model.gguf")
