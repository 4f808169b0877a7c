"""What the demo says of its service."""

import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import pytest

from cli.demo.__main__ import _see_it_again
from cli.demo.service import DemoService


class Announcing(DemoService):
    """Says where the page is, as `up` does, and goes on."""

    def _command(self) -> Sequence[str]:
        said = f"print('  page    {self.url}/sign-in?token=t  (works once)', flush=True)"
        return [sys.executable, "-c", f"import time; {said}; time.sleep(600)"]


@pytest.mark.slow
def test_the_service_of_the_demo_is_ready_once_it_has_said_where_its_page_is(tmp_path: Path) -> None:
    (tmp_path / "up").mkdir()
    service = Announcing(tmp_path, models=tmp_path)
    service.log.write_text(f"{service.url}/sign-in?token=of-an-earlier-demo\n")
    with service:
        assert service.sign_in_link == f"{service.url}/sign-in?token=t"


def test_the_demo_says_how_to_start_the_service_before_it_names_the_page(tmp_path: Path) -> None:
    service, job_id = DemoService(tmp_path, models=tmp_path), uuid4()
    command, address = (line.strip() for line in _see_it_again(service, job_id).split("\n")[1::2])
    assert command.startswith(".venv/bin/pruneserve up --data")
    assert f"--port {service.port}" in command
    assert address == f"http://127.0.0.1:{service.port}/jobs/{job_id}"
