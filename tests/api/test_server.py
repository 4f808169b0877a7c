import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.api.drive import Server
from tests.clock import check_times
from tests.stack import directory_store

SERVING = """
import gc, sys
import api.__main__ as m
def run(server):
    print(any(found is server.config.app for found in gc.get_objects()))
m.Server.run = run
sys.argv[1:] = []
m.main()
"""
"""Says instead of serving whether a search for garbage walks over the application."""


@pytest.fixture
def in_kolkata(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that are started have another time zone than UTC."""
    monkeypatch.setenv("TZ", "Asia/Kolkata")


@pytest.mark.usefixtures("in_kolkata")
def test_the_access_log_has_times_in_utc_and_no_query_strings(server: Server) -> None:
    httpx.get(f"{server.url}/sign-in", params={"token": "a-secret-of-this-test"}, timeout=60)
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(60)
    log = server.log.read_text()
    assert "GET /sign-in" in log
    assert "a-secret-of-this-test" not in log
    records = [line for line in log.splitlines() if line.startswith("{")]  # of the audit log
    check_times("\n".join(line for line in log.splitlines() if line not in records))


@pytest.mark.slow
def test_no_search_for_garbage_walks_over_what_was_made_before_the_first_request(tmp_path: Path) -> None:
    environment = {
        "DATABASE_URL": "postgresql://u:p@127.0.0.1:1/x",
        "BROKER_URL": "redis://127.0.0.1:1/0",
        "STORE_URL": directory_store(tmp_path),
    }
    command = [sys.executable, "-c", SERVING]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("False\n", 0), done.stderr
