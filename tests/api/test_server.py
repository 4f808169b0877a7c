import signal

import httpx

from tests.api.drive import Server


def test_the_access_log_has_no_query_strings(server: Server) -> None:
    httpx.get(f"{server.url}/sign-in", params={"token": "a-secret-of-this-test"}, timeout=60)
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(60)
    log = server.log.read_text()
    assert "GET /sign-in" in log
    assert "a-secret-of-this-test" not in log
