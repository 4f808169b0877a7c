"""Downloads from a server that breaks off, sends something else, or names a file that is none."""

import hashlib
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import zstandard

from pruneserve_client import (
    Client,
    DamagedDownload,
    Rejected,
    Unavailable,
    UnexpectedResponse,
    UnsafeName,
    wire,
)
from pruneserve_client.models import ArtifactItem
from tests.scripted_server import Exchange, ScriptedServer, artifact_document


def file(name: str, content: bytes) -> ArtifactItem:
    checksum = hashlib.sha256(content).hexdigest()
    return ArtifactItem.model_validate(artifact_document(name, content, checksum, "/content"))


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "a/../../outside", "..", ""])
def test_a_file_never_lands_outside_of_its_directory(client: Client, tmp_path: Path, name: str) -> None:
    with pytest.raises(UnsafeName, match="not a plain name"):
        client.download(file(name, b"content"), tmp_path / "inside")
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.threat
@pytest.mark.parametrize("name", ["below/model.safetensors", "model.safetensors"])
def test_no_link_in_the_directory_leads_a_download_out_of_it(
    server: ScriptedServer, client: Client, tmp_path: Path, name: str
) -> None:
    """As in the checkout of a pull request, whose author may know the content as well."""
    server.on("/content", lambda it: it.body(b"content"))
    wanted, inside, outside = file(name, b"content"), tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "kept").write_bytes(b"as it was, and longer than the content")
    (inside / "below").symlink_to(outside)
    (inside / f"model.safetensors.{wanted.sha256[:16]}.part").symlink_to(outside / "kept")
    with pytest.raises((UnsafeName, OSError)):
        client.download(wanted, inside)
    assert [path.read_bytes() for path in outside.iterdir()] == [b"as it was, and longer than the content"]


def test_a_damaged_download_is_deleted(server: ScriptedServer, client: Client, tmp_path: Path) -> None:
    server.on("/content", lambda it: it.body(b"damaged"))
    with pytest.raises(DamagedDownload, match="arrived damaged"):
        client.download(file("model.safetensors", b"content"), tmp_path)
    assert list(tmp_path.iterdir()) == []


class Halves:
    """Answers a GET with the first half of some content, or with the range that is asked for."""

    def __init__(self, content: bytes, *, sends_ranges: bool = True) -> None:
        self.content, self.sends_ranges = content, sends_ranges
        self.asked: list[tuple[str | None, str | None]] = []

    def __call__(self, it: Exchange) -> None:
        wanted = it.headers.get("Range")
        self.asked.append((wanted, it.headers.get("If-Range")))
        if wanted is None:
            it.handler.send_response(200)
            it.handler.send_header("Content-Length", str(len(self.content)))
            it.handler.end_headers()
            it.handler.wfile.write(self.content[: len(self.content) // 2])
        elif self.sends_ranges:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            last, size = len(self.content) - 1, len(self.content)
            it.body(self.content[start:], 206, Content_Range=f"bytes {start}-{last}/{size}")
        else:
            it.body(self.content)


def test_with_patience_a_download_goes_on_by_itself(
    server: ScriptedServer, client: Client, tmp_path: Path
) -> None:
    content = bytes(range(200))
    halves = Halves(content)
    server.on("/content", halves)
    chunks: list[int] = []
    wanted = file("exports/model.gguf", content)
    path = client.download(wanted, tmp_path, on_bytes=chunks.append, patience=60)
    assert path.read_bytes() == content
    assert halves.asked == [(None, None), ("bytes=100-", f'"{wanted.sha256}"')]
    assert sum(chunks) == len(content)
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [path]


def test_patience_begins_anew_with_each_piece(server: ScriptedServer, client: Client, tmp_path: Path) -> None:
    content, pieces = bytes(range(200)), 4
    asked: list[str | None] = []

    def slow_piece(it: Exchange) -> None:
        asked.append(wanted := it.headers.get("Range"))
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        it.handler.send_response(206 if wanted else 200)
        it.handler.send_header("Content-Length", str(len(content) - start))
        if wanted:
            it.handler.send_header("Content-Range", f"bytes {start}-199/200")
        it.handler.end_headers()
        it.handler.wfile.write(content[start : start + 200 // pieces])
        it.handler.wfile.flush()
        time.sleep(0.3)

    server.on("/content", slow_piece)
    path = client.download(file("model.safetensors", content), tmp_path, patience=0.1)
    assert path.read_bytes() == content
    assert asked == [None, "bytes=50-", "bytes=100-", "bytes=150-"]


def test_a_page_of_a_proxy_does_not_end_a_download(
    server: ScriptedServer, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytes(range(200))

    def page(it: Exchange) -> None:
        server.on("/content", first_half)
        it.body(b"<html>Not now</html>", 404, "text/html")

    def first_half(it: Exchange) -> None:
        server.on("/content", last_page)
        Halves(content)(it)

    def last_page(it: Exchange) -> None:
        server.on("/content", Halves(content))
        it.body(b"<html>Not now</html>", 404, "text/html")

    server.on("/content", page)
    # After the second page the patience is over, and begins anew because of the half.
    monkeypatch.setattr(wire, "_BACKOFF", lambda attempt: 0 if attempt.attempt_number < 3 else 1000)
    path = client.download(file("model.safetensors", content), tmp_path, patience=100)
    assert path.read_bytes() == content


def test_patience_ends_where_nothing_new_arrives(
    server: ScriptedServer, client: Client, tmp_path: Path
) -> None:
    server.on("/content", Halves(bytes(range(200)), sends_ranges=False))
    with pytest.raises(Unavailable):
        client.download(file("model.safetensors", bytes(range(100)) + bytes(100)), tmp_path, patience=0.5)


def test_a_download_begins_again_where_the_server_sends_no_ranges(
    server: ScriptedServer, client: Client, tmp_path: Path
) -> None:
    content = bytes(range(200))
    server.on("/content", Halves(content, sends_ranges=False))
    chunks: list[int] = []
    path = client.download(
        file("model.safetensors", content), tmp_path, on_bytes=chunks.append, patience=60.0
    )
    assert path.read_bytes() == content
    assert sum(chunks) == len(content)
    assert min(chunks) == -100


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Length": "20"},
        {"Transfer_Encoding": "chunked"},
        {"Transfer_Encoding": "chunked", "Content_Encoding": "zstd"},
        {"Content_Length": "200", "Content_Encoding": "zstd"},
        {"Content_Length": "20", "ETag": '"of a page"', "Content_Encoding": "zstd"},
    ],
)
def test_what_has_arrived_survives_a_page_in_place_of_the_file(
    server: ScriptedServer, client: Client, tmp_path: Path, headers: dict[str, str]
) -> None:
    content = bytes(range(200))

    def page(it: Exchange) -> None:
        server.on("/content", halves)
        it.handler.send_response(200)
        for name, value in headers.items():
            it.handler.send_header(name.replace("_", "-"), value)
        it.handler.end_headers()
        text = b"<html>Not now</html>"
        it.handler.wfile.write(b"14\r\n%b\r\n0\r\n\r\n" % text if "Transfer_Encoding" in headers else text)

    wanted, halves = file("model.safetensors", content), Halves(content)
    server.on("/content", halves)
    with pytest.raises(Unavailable):
        client.download(wanted, tmp_path)
    server.on("/content", page)
    assert client.download(wanted, tmp_path, patience=60).read_bytes() == content
    assert halves.asked == [(None, None), ("bytes=100-", f'"{wanted.sha256}"')]


def test_a_damaged_part_is_deleted(server: ScriptedServer, client: Client, tmp_path: Path) -> None:
    content = bytes(range(200))
    server.on("/content", Halves(content))
    with pytest.raises(Unavailable):
        client.download(file("model.safetensors", content), tmp_path)
    (part,) = tmp_path.iterdir()
    part.write_bytes(b"x" * 100)
    with pytest.raises(DamagedDownload):
        client.download(file("model.safetensors", content), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_a_subdirectory_is_put_there(
    server: ScriptedServer, client: Client, tmp_path: Path
) -> None:
    server.on("/content", lambda it: it.body(b"content"))
    chunks: list[int] = []
    path = client.download(file("masks/a.safetensors", b"content"), tmp_path, on_bytes=chunks.append)
    assert path == tmp_path / "masks" / "a.safetensors"
    assert path.read_bytes() == b"content"
    assert sum(chunks) == len(b"content")


CONTENT = b"".join(bytes([number % 251]) * 10 for number in range(100_000))


def frames(content: bytes, size: int) -> list[bytes]:
    """The content as frames of Zstandard, and at the end one that decoders skip."""
    starts = range(0, len(content), size)
    encoded = [zstandard.ZstdCompressor().compress(content[start : start + size]) for start in starts]
    return [*encoded, bytes.fromhex("5e2a4d18 04000000 00000000")]


def test_each_frame_may_arrive_by_itself(server: ScriptedServer, client: Client, tmp_path: Path) -> None:
    wanted = file("model.safetensors", CONTENT)

    def one_by_one(it: Exchange) -> None:
        assert it.headers["Accept-Encoding"] == "zstd"
        encoded = frames(CONTENT, 300_000)
        it.handler.send_response(200)
        it.handler.send_header("Content-Length", str(len(b"".join(encoded))))
        it.handler.send_header("Content-Encoding", "zstd")
        it.handler.send_header("ETag", f'W/"{wanted.sha256}"')
        it.handler.end_headers()
        for frame in encoded:
            it.handler.wfile.write(frame)
            it.handler.wfile.flush()
            time.sleep(0.02)  # so that a piece of the network ends with the frame

    server.on("/content", one_by_one)
    assert client.download(wanted, tmp_path).read_bytes() == CONTENT


@pytest.mark.threat
@pytest.mark.parametrize(
    ("label", "refusal"),
    [
        ("zstd", DamagedDownload),
        ("ZStd ", DamagedDownload),
        ("gzip, gzip", UnexpectedResponse),
        ("zstd, zstd", UnexpectedResponse),
    ],
)
def test_an_endless_frame_is_not_kept(
    server: ScriptedServer, client: Client, tmp_path: Path, label: str, refusal: type[Exception]
) -> None:
    bomb, wanted = zstandard.ZstdCompressor().compress(bytes(2**30)), file("model.safetensors", b"content")
    server.on("/content", lambda it: it.body(bomb, Content_Encoding=label, ETag=f'"{wanted.sha256}"'))
    counts: list[int] = []
    with pytest.raises(refusal):
        client.download(wanted, tmp_path, on_bytes=counts.append)
    assert sum(counts) <= 2**20
    assert list(tmp_path.iterdir()) == []


def broken_off(it: Exchange, content: bytes, whole: int) -> None:
    """The beginning of a body, after which the connection breaks."""
    it.handler.send_response(200)
    it.handler.send_header("Content-Length", str(whole))
    it.handler.end_headers()
    it.handler.wfile.write(content)
    it.handler.close_connection = True


def test_a_download_goes_on_where_it_broke_off(
    server: ScriptedServer, client: Client, tmp_path: Path
) -> None:
    wanted = file("model.safetensors", CONTENT)
    server.on("/content", lambda it: broken_off(it, CONTENT[:700_000], len(CONTENT)))
    with pytest.raises(Unavailable):
        client.download(wanted, tmp_path)
    (partial,) = tmp_path.iterdir()
    arrived = partial.stat().st_size
    assert CONTENT[:arrived] == partial.read_bytes()

    def rest(it: Exchange) -> None:
        assert it.headers["Range"] == f"bytes={arrived}-"
        assert it.headers["If-Range"] == f'"{wanted.sha256}"'
        bounds = f"bytes {arrived}-{len(CONTENT) - 1}/{len(CONTENT)}"
        it.body(CONTENT[arrived:], 206, Content_Range=bounds)

    server.on("/content", rest)
    path = client.download(wanted, tmp_path)
    assert path.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [path]


def test_what_has_arrived_of_another_file_or_was_changed_is_not_used(
    server: ScriptedServer, client: Client, tmp_path: Path
) -> None:
    other, wanted = file("model.safetensors", b"x" * 1000), file("model.safetensors", CONTENT)
    server.on("/content", lambda it: broken_off(it, b"x" * 500, 1000))
    with pytest.raises(Unavailable):
        client.download(other, tmp_path)
    server.on("/content", lambda it: it.body(CONTENT))  # a server without ranges
    assert client.download(wanted, tmp_path).read_bytes() == CONTENT
    longer = tmp_path / f"model.safetensors.{wanted.sha256[:16]}.part"
    longer.write_bytes(b"y" * (len(CONTENT) + 1))
    assert client.download(wanted, tmp_path).read_bytes() == CONTENT


@pytest.mark.threat
@pytest.mark.parametrize(
    "location",
    [
        "http://xn--/",
        f"http://{'a' * 300}/",
        f"http://{'a.' * 300}example/",
        "javascript:1",
        "http://[::1",
        "http://127.0.0.1:0/",
        "/elsewhere",
    ],
)
def test_a_redirect_is_followed_nowhere(
    server: ScriptedServer, client: Client, tmp_path: Path, location: str
) -> None:
    server.on("/content", lambda it: it.body(b"", 307, Location=location))
    with pytest.raises((Rejected, UnexpectedResponse, Unavailable)):
        client.download(file("model.safetensors", CONTENT), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.threat
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "prune.example"])
def test_a_file_at_another_server_is_not_asked_for_with_the_key(
    server: ScriptedServer, client: Client, tmp_path: Path, host: str
) -> None:
    other = host if ":" in host else f"{host}:{urlsplit(server.url).port}"
    wanted = file("model.safetensors", CONTENT).model_copy(update={"url": f"http://{other}/content"})
    with pytest.raises(UnexpectedResponse, match="another server"):
        client.download(wanted, tmp_path)
    assert server.requests == []
