"""Digests of images come from a registry, and from nowhere else."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from tools.pin_images import FILES, IMAGES, NoAnswer, digest_of, main, pinned

DIGEST, NEWER = f"sha256:{'a1' * 32}", f"sha256:{'b2' * 32}"


class Registry(BaseHTTPRequestHandler):
    """Knows two of the images, and names their digests to whoever has its token."""

    def do_HEAD(self) -> None:
        known = self.path in {
            "/v2/library/python/manifests/3.11-slim",
            "/v2/valkey/valkey/manifests/9-alpine",
        }
        if self.headers["Authorization"] != "Bearer token-for-reading":
            realm = f"http://{self.headers['Host']}/token"
            self._answer(401, {"WWW-Authenticate": f'Bearer realm="{realm}",service="hub",scope="pull"'})
        elif known and "image.index" in self.headers["Accept"]:
            self._answer(200, {"Docker-Content-Digest": DIGEST})
        else:
            self._answer(404, {})

    def do_GET(self) -> None:
        assert self.path == "/token?service=hub&scope=pull"
        self._answer(200, {}, json.dumps({"token": "token-for-reading"}).encode())

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def registry() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.threat
def test_what_the_registry_knows_is_pinned_and_the_rest_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "compose.yml"
    file.write_text("".join(f"image: {image}\n" for image in IMAGES))
    with registry() as url, pytest.raises(SystemExit) as ended:
        main([file], url)
    known = {"python:3.11-slim", "valkey/valkey:9-alpine"}
    expected = [f"image: {image}" + (f"@{DIGEST}" if image in known else "") for image in IMAGES]
    assert file.read_text().splitlines() == expected
    assert "postgres:18 is not pinned" in str(ended.value)
    assert "rclone/rclone:1 is not pinned" in str(ended.value)


def test_no_answer_gives_no_digest() -> None:
    with pytest.raises(NoAnswer, match=r"127\.0\.0\.1 does not answer"):
        digest_of("postgres:18", "http://127.0.0.1:1")


def test_every_image_of_others_is_pinned() -> None:
    compose = next(path for path in FILES if path.name == "docker-compose.yml")
    services = yaml.safe_load(compose.read_text())["services"].values()
    used = {service["image"].partition("@")[0] for service in services}
    assert {name for name in used if not name.startswith("pruneserve-")} == set(IMAGES) - {"python:3.11-slim"}


def test_a_digest_replaces_an_earlier_one_wherever_the_image_is_named() -> None:
    for path in FILES:
        before = re.sub(r"@sha256:\w+", "", path.read_text())
        once = pinned(before, "python:3.11-slim", DIGEST)
        assert once.count(DIGEST) == before.count("python:3.11-slim") > 0
        assert pinned(once, "python:3.11-slim", NEWER) == once.replace(DIGEST, NEWER)
    assert pinned("my/postgres:18 postgres:18.1 postgres:180", "postgres:18", DIGEST).count(DIGEST) == 0
