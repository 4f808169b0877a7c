import signal

import httpx

from tests.api.drive import Server


def test_the_secret_of_a_sign_in_link_is_in_no_log(server: Server) -> None:
    httpx.get(f"{server.url}/sign-in", params={"token": "a-secret-of-this-test"})
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(60)
    log = server.log.read_text()
    assert "GET /sign-in" in log
    assert "a-secret-of-this-test" not in log
