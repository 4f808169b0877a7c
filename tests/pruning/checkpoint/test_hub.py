"""Models from the Hub, served by a stand-in for the part of its protocol that is used."""

import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

from pruning.checkpoint.checkpoint import Checkpoint, resolve
from pruning.errors import InvalidInput, Unreachable
from pruning.recipe import ModelReference

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_stand_in"


class StandIn(ThreadingHTTPServer):
    """Serves one directory as the model `maker/tiny`; if `private`, only with the token."""

    daemon_threads = True

    def __init__(self, directory: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.directory = directory
        self.private = False
        self.broken = False
        self.refusal: tuple[int, str] | None = None  # status and code for whoever asks for a file
        self.asked: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: StandIn

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.server.broken:
            self._answer(503)
        elif self.server.private and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer(401, error="RepoNotFound")
        elif self.server.refusal and "/resolve/" in self.path:
            self._answer(self.server.refusal[0], error=self.server.refusal[1])
        else:
            self._serve(self.path.split("?")[0].strip("/").split("/"))

    def _serve(self, parts: list[str]) -> None:
        names = sorted(path.name for path in self.server.directory.iterdir())
        match parts:
            case ["api", "models", "maker", "tiny"] | ["api", "models", "maker", "tiny", "revision", "main"]:
                siblings = [{"rfilename": name, "size": self._size(name)} for name in names]
                self._answer(200, json.dumps({"id": "maker/tiny", "sha": COMMIT, "siblings": siblings}))
            case ["api", "models", "maker", "tiny", "revision", _]:
                self._answer(404, error="RevisionNotFound")
            case ["api", "models", "maker", "tiny", "tree", revision] if revision == COMMIT:
                self._answer(200, json.dumps([self._entry(name) for name in names]))
            case ["maker", "tiny", "resolve", revision, name] if revision == COMMIT and name in names:
                content = (self.server.directory / name).read_bytes()
                self._answer(200, content, etag=self._oid(name))
            case ["maker", "tiny", *_]:
                self._answer(404, error="EntryNotFound")
            case _:
                self._answer(404, error="RepoNotFound")

    def _oid(self, name: str) -> str:
        return hashlib.sha1((self.server.directory / name).read_bytes(), usedforsecurity=False).hexdigest()

    def _entry(self, name: str) -> dict[str, object]:
        return {"type": "file", "path": name, "size": self._size(name), "oid": self._oid(name)}

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

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Do not log."""


@pytest.fixture
def hub(tiny_llama_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    server = StandIn(shutil.copytree(tiny_llama_dir, tmp_path / "repository"))
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)  # between its retries
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def from_hub(model: str = "maker/tiny", revision: str | None = None, token: str | None = None) -> Checkpoint:
    return resolve(ModelReference(id=model, revision=revision), roots=(), hub_token=token)


@pytest.mark.parametrize("revision", [None, "main"])
def test_a_model_is_resolved_to_its_commit_and_downloaded(hub: StandIn, revision: str | None) -> None:
    checkpoint = from_hub(revision=revision)
    assert checkpoint.commit == COMMIT
    assert checkpoint.digest is None
    assert checkpoint.id == "maker/tiny"
    model = checkpoint.load(torch.float32, torch.device("cpu"))
    assert type(model).__name__ == checkpoint.architecture == "LlamaForCausalLM"
    assert checkpoint.tokenizer().decode([0]) == "<s>"


def test_only_what_is_needed_is_downloaded(hub: StandIn) -> None:
    (hub.directory / "consolidated.safetensors").write_bytes(b"the same weights again")
    (hub.directory / "pytorch_model.bin").write_bytes(b"and again, as a pickle")
    from_hub()
    assert not any("consolidated" in path or "pytorch_model" in path for path in hub.asked)


def test_an_unprunable_model_is_refused_before_its_weights_are_downloaded(hub: StandIn) -> None:
    path = hub.directory / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "quantization_config": {"bits": 4}}))
    with pytest.raises(InvalidInput, match="quantised"):
        from_hub()
    assert not any("model.safetensors" in path for path in hub.asked)


def test_pickles_only_are_refused(hub: StandIn) -> None:
    (hub.directory / "model.safetensors").rename(hub.directory / "pytorch_model.bin")
    with pytest.raises(InvalidInput, match="pickles only"):
        from_hub()


def test_a_model_that_does_not_exist_is_refused(hub: StandIn) -> None:
    with pytest.raises(InvalidInput, match="maker/none does not exist") as refused:
        from_hub("maker/none")
    assert refused.value.field == "model.id"


def test_a_revision_that_does_not_exist_is_refused(hub: StandIn) -> None:
    with pytest.raises(InvalidInput, match="no revision v9") as refused:
        from_hub(revision="v9")
    assert refused.value.field == "model.revision"


def test_a_private_model_needs_the_callers_token(hub: StandIn) -> None:
    hub.private = True
    assert from_hub(token=TOKEN).commit == COMMIT
    with pytest.raises(InvalidInput, match="needs a token"):
        from_hub(token="hf_another")


def test_files_cached_with_a_token_are_not_served_without_it(hub: StandIn) -> None:
    hub.private = True
    from_hub(token=TOKEN)
    with pytest.raises(InvalidInput, match="needs a token"):
        from_hub()


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        ((401, "GatedRepo"), "is gated; accept its terms on the Hub"),
        ((403, "GatedRepo"), "is gated; accept its terms on the Hub"),
        ((403, ""), "the Hub does not let this token read maker/tiny"),
    ],
)
def test_a_model_that_the_token_may_not_read_is_refused(
    hub: StandIn, refusal: tuple[int, str], message: str
) -> None:
    hub.refusal = refusal  # the Hub tells everyone of a gated model; it is its files that it keeps
    with pytest.raises(InvalidInput, match=message) as refused:
        from_hub(token=TOKEN)
    assert refused.value.field == "model.id"


def test_a_token_on_this_machine_is_not_used(hub: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.private = True
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with pytest.raises(InvalidInput, match="needs a token"):
        from_hub()


def test_a_hub_that_is_down_is_unreachable(hub: StandIn) -> None:
    hub.broken = True
    with pytest.raises(Unreachable, match="503") as failed:
        from_hub()
    assert failed.value.field == "model.id"


def test_a_hub_that_does_not_answer_is_unreachable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)
    with pytest.raises(Unreachable, match="try again later"):
        from_hub()


def test_offline_mode_serves_the_cache_and_nothing_else(
    hub: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    from_hub()
    hub.asked.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    checkpoint = from_hub()
    assert checkpoint.commit == COMMIT
    assert checkpoint.load(torch.float32, torch.device("cpu")) is not None
    with pytest.raises(
        InvalidInput, match=r"not in the cache, and offline mode \(HF_HUB_OFFLINE\)"
    ) as refused:
        from_hub("maker/other")
    assert refused.value.field == "model.id"
    assert hub.asked == []


@pytest.mark.threat
def test_a_file_that_is_too_large_is_not_downloaded(hub: StandIn) -> None:
    with (hub.directory / "LICENSE").open("wb") as file:
        file.truncate(5 * 2**20)
    with pytest.raises(InvalidInput, match="LICENSE of the model has 5242880 bytes"):
        from_hub()
    assert not [path for path in hub.asked if "resolve" in path and "LICENSE" in path]
