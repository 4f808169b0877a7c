import signal

import httpx
import pytest

from tests.api.drive import Server
from tests.clock import check_times


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
