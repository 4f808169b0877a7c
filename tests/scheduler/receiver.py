"""A receiver of webhooks, in this process."""

import ssl
from contextlib import ExitStack
from urllib.parse import urlsplit

from tests.http_servers import QuietHandler, serving


class Receiver:
    """An HTTP server that answers with the statuses that it was given, then with 204."""

    def __init__(self, *statuses: int, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        remaining, receiver = list(statuses), self

        class Handler(QuietHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(remaining.pop(0) if remaining else 204)
                self.send_header("Location", receiver.url + "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

        server = ExitStack()
        self.url = server.enter_context(serving(Handler, tls=tls))
        self.port = urlsplit(self.url).port
        self.close = server.close
