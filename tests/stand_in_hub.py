"""A stand-in for the Hub: the part of its protocol that is used to read models."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import unquote

from tests.http_servers import QuietHandler

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_stand_in"


class StandInHub(ThreadingHTTPServer):
    """Serves one directory as the model `maker/tiny`; if `private`, only with the token."""

    daemon_threads = True

    def __init__(self, directory: Path, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.directory = directory
        self.private = False
        self.older: list[str] = []  # commits that it still answers with, one after the other
        self.broken = False
        self.silent = False  # takes a request, and never answers it
        self._over = threading.Event()
        self.refusal: tuple[int, str] | None = None  # status and code that a request for a file gets
        self.asked: list[str] = []

    def keep_silent(self) -> None:
        """Return at the end of `serving`."""
        self._over.wait()

    @contextmanager
    def serving(self) -> Iterator[Self]:
        """Answer until the end of the block."""
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            self.shutdown()
            thread.join()
            self.server_close()


class _Handler(QuietHandler):
    server: StandInHub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.server.silent:
            self.server.keep_silent()
        elif self.server.broken:
            self._answer(503)
        elif self.server.private and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer(401, error="RepoNotFound")
        elif self.server.refusal and "/resolve/" in self.path:
            self._answer(self.server.refusal[0], error=self.server.refusal[1])
        else:
            self._serve(unquote(self.path.split("?")[0]).strip("/").split("/"))

    def _serve(self, parts: list[str]) -> None:
        names = sorted(path.name for path in self.server.directory.iterdir())
        match parts:
            case ["api", "models", "maker", "tiny"] | ["api", "models", "maker", "tiny", "revision", "main"]:
                siblings = [self._sibling(name) for name in names]
                sha = self.server.older.pop() if self.server.older else COMMIT
                self._answer(200, json.dumps({"id": "maker/tiny", "sha": sha, "siblings": siblings}))
            case ["api", "models", "maker", "tiny", "revision", _]:
                self._answer(404, error="RevisionNotFound")
            case ["api", "models", "maker", "tiny", "tree", revision] if revision == COMMIT:
                self._answer(200, json.dumps([self._entry(name) for name in names]))
            case ["maker", "tiny", "resolve", revision, name] if revision == COMMIT and name in names:
                content = (self.server.directory / name).read_bytes()
                self._answer(200, content, etag=self._blob(name))
            case ["maker", "tiny", *_]:
                self._answer(404, error="EntryNotFound")
            case _:
                self._answer(404, error="RepoNotFound")

    def _oid(self, name: str) -> str:
        return hashlib.sha1((self.server.directory / name).read_bytes(), usedforsecurity=False).hexdigest()

    def _blob(self, name: str) -> str:
        """Return the name of a content: SHA-256 of a large file, git's of the others."""
        if not name.endswith(".safetensors"):
            return self._oid(name)
        return hashlib.sha256((self.server.directory / name).read_bytes()).hexdigest()

    def _lfs(self, name: str, digest: str) -> dict[str, object]:
        if not name.endswith(".safetensors"):
            return {}
        return {"lfs": {digest: self._blob(name), "size": self._size(name), "pointerSize": 134}}

    def _sibling(self, name: str) -> dict[str, object]:
        about = {"rfilename": name, "size": self._size(name), "blobId": self._oid(name)}
        return about | self._lfs(name, "sha256")

    def _entry(self, name: str) -> dict[str, object]:
        about = {"type": "file", "path": name, "size": self._size(name), "oid": self._oid(name)}
        return about | self._lfs(name, "oid")

    def _size(self, name: str) -> int:
        return (self.server.directory / name).stat().st_size

    def _answer(self, status: int, body: bytes | str = b"", *, error: str = "", etag: str = "") -> None:
        content = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Repo-Commit", COMMIT)
        if error:
            self.send_header("X-Error-Code", error)
        if etag:
            self.send_header("ETag", f'"{etag}"')
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)
