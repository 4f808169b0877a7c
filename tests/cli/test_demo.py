"""What the demo says at its end."""

from pathlib import Path
from uuid import uuid4

from cli.demo.__main__ import _see_it_again
from cli.demo.service import DemoService


def test_the_demo_says_how_to_start_the_service_before_it_names_the_page(tmp_path: Path) -> None:
    service, job_id = DemoService(tmp_path, models=tmp_path), uuid4()
    command, address = (line.strip() for line in _see_it_again(service, job_id).split("\n")[1::2])
    assert command.startswith(".venv/bin/pruneserve up --data")
    assert f"--port {service.port}" in command
    assert address == f"http://127.0.0.1:{service.port}/jobs/{job_id}"
