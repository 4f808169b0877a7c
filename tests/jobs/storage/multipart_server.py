"""A store that takes files in parts, as S3 does, and at most so many of them."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from tests.http_servers import QuietHandler, serving

_BEGUN = "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>"
_DONE = "<CompleteMultipartUploadResult><ETag>1</ETag></CompleteMultipartUploadResult>"
_TOO_MANY = "<Error><Code>InvalidArgument</Code><Message>Part number must be an integer</Message></Error>"
_PART = "<Part><PartNumber>{}</PartNumber><Size>{}</Size><ETag>{}</ETag></Part>"


class MultipartServer:
    """Keeps what is put under each path: the sizes of its parts, and its bytes once it is complete."""

    def __init__(
        self,
        most_parts: int,
        *,
        unlisted: tuple[int, str] | None = None,
        full: tuple[int, str] | None = None,
        kept: tuple[int, str] | None = None,
    ) -> None:
        """`unlisted`: the status and the body that it answers when it is to list uploads.

        `full`: those that it answers when it is to take bytes. `kept`: when it is to abort an upload.
        """
        self.content: dict[str, bytes] = {}
        self.parts: dict[str, dict[int, bytes]] = defaultdict(dict)
        self._most_parts = most_parts
        self._unlisted = unlisted
        self._full = full
        self._kept = kept

    def _listed(self, path: str) -> str:
        parts = (_PART.format(number, len(part), _etag(part)) for number, part in self.parts[path].items())
        return f"<ListPartsResult>{''.join(parts)}</ListPartsResult>"

    @contextmanager
    def serving(self) -> Iterator[str]:  # noqa: C901 - a method of its own for each of HTTP's
        """Serve while the context is active, and yield the URL."""
        served = self

        class Handler(QuietHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self._body()
                if self.path.endswith("?uploads") or "?uploads=" in self.path:
                    self._answer(200, _BEGUN)
                    return
                path = self.path.partition("?")[0]
                served.content[path] = b"".join(part for _, part in sorted(served.parts[path].items()))
                self._answer(200, _DONE)

            def do_PUT(self) -> None:
                body, path = self._body(), self.path.partition("?")[0]
                if served._full:
                    self._answer(*served._full)
                    return
                number = re.search(r"partNumber=(\d+)", self.path)
                if number is None:
                    served.content[path] = body
                elif int(number[1]) > served._most_parts:
                    self._answer(400, _TOO_MANY)
                    return
                else:
                    served.parts[path][int(number[1])] = body
                self._answer(200, "", _etag(body))

            def do_GET(self) -> None:
                if served._unlisted and re.search(r"\?(.*&)?uploads", self.path):
                    self._answer(*served._unlisted)
                    return
                self._answer(200, served._listed(self.path.partition("?")[0]))

            def do_DELETE(self) -> None:
                self._answer(*(served._kept or (204, "")))

            def _body(self) -> bytes:
                return self.rfile.read(int(self.headers["Content-Length"] or 0))

            def _answer(self, status: int, text: str, etag: str = '"1"') -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.send_header("ETag", etag)
                self.end_headers()
                self.wfile.write(text.encode())

        with serving(Handler) as url:
            yield url


def _etag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
