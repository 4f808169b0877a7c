"""A pruned model is published, to a stand-in for the Hugging Face Hub that speaks its protocol."""

import base64
import hashlib
import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
import yaml
from huggingface_hub import ModelCard

from cli.terminal import Exit
from tests.cli.conftest import PRUNESERVE
from tests.http_servers import QuietHandler, serving
from tests.scripted_server import Document, ScriptedServer, artifact_document, zoo_document

pytestmark = pytest.mark.slow

TOKEN = "hf_only-the-hub-may-see-this"
CARD = b'model = AutoModelForCausalLM.from_pretrained("<this directory>")\n'
WEIGHTS = bytes(range(256)) * 64


@dataclass
class StandInHub:
    """Repositories in memory: made, filled through LFS and by commits, only with the right token."""

    url: str = ""
    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    private: dict[str, bool] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        name = "/".join(filter(None, (body.get("organization", "ada"), body["name"])))
        self.repositories.setdefault(name, {})
        self.private[name] = bool(body.get("private")) or body.get("visibility") == "private"
        return {"url": f"{self.url}/{name}", "name": name, "id": "1"}

    def preupload(self, body: dict[str, Any]) -> dict[str, Any]:
        def file(asked: dict[str, Any]) -> dict[str, Any]:
            large = asked["path"].endswith(".safetensors")
            return {"path": asked["path"], "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}

        return {"files": [file(asked) for asked in body["files"]]}

    def batch(self, body: dict[str, Any]) -> dict[str, Any]:
        return {
            "transfer": "basic",
            "objects": [
                {**asked, "actions": {"upload": {"href": f"{self.url}/lfs/{asked['oid']}"}}}
                for asked in body["objects"]
            ],
        }

    def commit(self, name: str, lines: bytes) -> dict[str, Any]:
        for line in map(json.loads, lines.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                self.repositories[name][value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                self.repositories[name][value["path"]] = self.objects[value["oid"]]
        return {"success": True, "commitOid": "c" * 40, "commitUrl": f"{self.url}/{name}/commit/{'c' * 40}"}

    @staticmethod
    def complaints(card: str) -> list[dict[str, str]]:
        """What is wrong with the metadata of a card: the Hub knows names of models and codes of languages."""
        fences = card.split("---\n")
        metadata = yaml.safe_load(fences[1]) if len(fences) > 2 else {}
        base, languages = metadata.get("base_model", "org/name"), metadata.get("language", [])
        wrong = [] if re.fullmatch(r"[\w.-]+/[\w.-]+", base) else [f'"base_model" {base!r} is not a name']
        for code in [languages] if isinstance(languages, str) else languages:
            wrong += [] if re.fullmatch("[a-z]{2,3}", code) else [f'"language" {code!r} is none']
        return [{"message": message} for message in wrong]

    def answer(self, method: str, path: str, body: bytes) -> dict[str, Any] | None:
        def asked() -> dict[str, Any]:
            read: dict[str, Any] = json.loads(body)
            return read

        if path == "/api/repos/create":
            return self.create(asked())
        if path == "/api/validate-yaml":
            return {"errors": self.complaints(asked()["content"]), "warnings": []}
        if method == "PUT" and path.startswith("/lfs/"):
            assert hashlib.sha256(body).hexdigest() == path.removeprefix("/lfs/")
            self.objects[path.removeprefix("/lfs/")] = body
            return {}
        if path.endswith("/info/lfs/objects/batch"):
            return self.batch(asked())
        match = re.fullmatch(r"/api/models/(.+)/(preupload|commit)/main", path)
        if match is None:
            return None
        return self.preupload(asked()) if match[2] == "preupload" else self.commit(match[1], body)


@pytest.fixture
def hub() -> Iterator[StandInHub]:
    hub = StandInHub()

    class Handler(QuietHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            # The Hub judges the metadata of anybody's card.
            open_to_all = self.path.startswith(("/lfs/", "/api/validate-yaml"))
            allowed = open_to_all or self.headers.get("Authorization") == f"Bearer {TOKEN}"
            path = self.path.partition("?")[0]
            answer = hub.answer(self.command, path, body) if allowed else {"error": "Invalid credentials"}
            status = 400 if answer and answer.get("errors") else 200 if answer is not None else 404
            self.send_response(status if allowed else 401)
            content = json.dumps(answer).encode()
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = _answer

    with serving(Handler) as hub.url:
        yield hub


def serve_files(server: ScriptedServer) -> list[Document]:
    """The files of a model; what the API says of each."""
    files = {"README.md": CARD, "model.safetensors": WEIGHTS}
    for name, content in files.items():
        server.on(f"/{name}", lambda it, content=content: it.body(content))  # type: ignore[misc]
    return [
        artifact_document(name, content, hashlib.sha256(content).hexdigest(), f"/{name}")
        for name, content in files.items()
    ]


def publish(
    server: ScriptedServer, hub: StandInHub, *arguments: str, token: str = TOKEN
) -> subprocess.CompletedProcess[str]:
    environment = {
        "PRUNESERVE_URL": server.url,
        "PRUNESERVE_API_KEY": "ps_key",
        "HF_ENDPOINT": hub.url,
        "HF_TOKEN": token,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_OFFLINE": "0",
    }
    return subprocess.run(
        [*PRUNESERVE, "tools", "publish", *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_job_is_published_with_a_card_that_names_its_repository(
    server: ScriptedServer, hub: StandInHub, job_id: UUID
) -> None:
    artifacts = serve_files(server)
    server.on(f"/v1/jobs/{job_id}/artifacts", lambda it: it.json({"items": artifacts}))
    done = publish(server, hub, str(job_id), "ada/sparse")
    assert done.returncode == 0, done.stderr
    assert f"{hub.url}/ada/sparse/commit/" in done.stdout.replace("\n", "")
    assert hub.repositories["ada/sparse"] == {
        "README.md": CARD.replace(b"<this directory>", b"ada/sparse"),
        "model.safetensors": WEIGHTS,
    }
    assert hub.private["ada/sparse"]
    seen = "".join(f"{path} {dict(headers)}" for path, headers in server.requests)
    assert TOKEN not in seen
    assert "ps_key" in seen


def test_the_base_model_of_a_local_checkpoint_can_be_named(
    server: ScriptedServer, hub: StandInHub, job_id: UUID
) -> None:
    card = b"---\nlibrary_name: transformers\n---\n\n" + CARD
    file = artifact_document("README.md", card, hashlib.sha256(card).hexdigest(), "/README.md")
    server.on("/README.md", lambda it: it.body(card))
    server.on(f"/v1/jobs/{job_id}/artifacts", lambda it: it.json({"items": [file]}))
    done = publish(server, hub, str(job_id), "ada/sparse", "--base-model", "org/name")
    assert done.returncode == 0, done.stderr
    published = ModelCard(hub.repositories["ada/sparse"]["README.md"].decode())
    assert published.data.to_dict() == {
        "base_model": "org/name",
        "base_model_relation": "finetune",
        "library_name": "transformers",
    }
    assert 'from_pretrained("ada/sparse")' in published.text
    wrong = publish(server, hub, str(job_id), "ada/sparse", "--base-model", "not/a/name")
    assert wrong.returncode == Exit.USAGE


def test_a_card_that_the_hub_rejects_is_not_published(
    server: ScriptedServer, hub: StandInHub, job_id: UUID
) -> None:
    card = b"---\nlibrary_name: transformers\nlanguage: [en, klingon]\n---\n\n" + CARD
    file = artifact_document("README.md", card, hashlib.sha256(card).hexdigest(), "/README.md")
    server.on("/README.md", lambda it: it.body(card))
    server.on(f"/v1/jobs/{job_id}/artifacts", lambda it: it.json({"items": [file]}))
    done = publish(server, hub, str(job_id), "ada/sparse")
    assert done.returncode == Exit.FAILED
    assert "the Hub rejects the card: " in done.stderr
    assert "\"language\" 'klingon' is none" in done.stderr


def test_a_card_that_cannot_be_written_is_no_bad_usage(
    server: ScriptedServer, hub: StandInHub, job_id: UUID
) -> None:
    file = artifact_document("README.md/card", CARD, hashlib.sha256(CARD).hexdigest(), "/README.md")
    server.on("/README.md", lambda it: it.body(CARD))
    server.on(f"/v1/jobs/{job_id}/artifacts", lambda it: it.json({"items": [file]}))
    done = publish(server, hub, str(job_id), "ada/sparse")
    assert done.returncode == Exit.FAILED
    assert done.stderr.startswith("error: the card cannot be changed: ")


def test_a_zoo_entry_is_published_to_a_public_repository(server: ScriptedServer, hub: StandInHub) -> None:
    entry = zoo_document("a-model", *serve_files(server))
    server.on("/v1/zoo/a-model", lambda it: it.json(entry))
    done = publish(server, hub, "a-model", "ada/sparse", "--public")
    assert done.returncode == 0, done.stderr
    assert set(hub.repositories["ada/sparse"]) == {"README.md", "model.safetensors"}
    assert not hub.private["ada/sparse"]


def test_a_bad_token_is_reported_before_anything_is_downloaded(
    server: ScriptedServer, hub: StandInHub, job_id: UUID
) -> None:
    done = publish(server, hub, str(job_id), "ada/sparse", token="hf_wrong")
    assert done.returncode == Exit.USAGE
    assert "HF_TOKEN" in done.stderr
    assert server.requests == []
    assert publish(server, hub, "../x", "ada/sparse").returncode == Exit.USAGE
    assert publish(server, hub, str(job_id), "a/b/c").returncode == Exit.USAGE


def test_a_hub_that_does_not_answer_is_unreachable(server: ScriptedServer, job_id: UUID) -> None:
    done = publish(server, StandInHub("http://127.0.0.1:1"), str(job_id), "ada/sparse")
    assert done.returncode == Exit.UNREACHABLE, done.stderr
    assert "the Hub cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr
