"""Models from the Hub, served by a stand-in."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

from pruning.checkpoint.checkpoint import Checkpoint, resolve
from pruning.errors import InvalidInput, Unreachable
from pruning.recipe import ModelReference
from tests.stand_in_hub import COMMIT, TOKEN, StandInHub


@pytest.fixture
def hub(tiny_llama_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInHub]:
    server = StandInHub(shutil.copytree(tiny_llama_dir, tmp_path / "repository"))
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)  # between its retries
    with server.serving():
        yield server


def from_hub(model: str = "maker/tiny", revision: str | None = None, token: str | None = None) -> Checkpoint:
    return resolve(ModelReference(id=model, revision=revision), roots=(), hub_token=token)


@pytest.mark.parametrize("revision", [None, "main"])
def test_a_model_is_resolved_to_its_commit_and_downloaded(hub: StandInHub, revision: str | None) -> None:
    checkpoint = from_hub(revision=revision)
    assert checkpoint.commit == COMMIT
    assert checkpoint.digest is None
    assert checkpoint.id == "maker/tiny"
    model = checkpoint.load(torch.float32, torch.device("cpu"))
    assert type(model).__name__ == checkpoint.architecture == "LlamaForCausalLM"
    assert checkpoint.tokenizer().decode([0]) == "<s>"


def test_only_what_is_needed_is_downloaded(hub: StandInHub) -> None:
    (hub.directory / "consolidated.safetensors").write_bytes(b"the same weights again")
    (hub.directory / "pytorch_model.bin").write_bytes(b"and again, as a pickle")
    from_hub()
    assert not any("consolidated" in path or "pytorch_model" in path for path in hub.asked)


def test_an_unprunable_model_is_refused_before_its_weights_are_downloaded(hub: StandInHub) -> None:
    path = hub.directory / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "quantization_config": {"bits": 4}}))
    with pytest.raises(InvalidInput, match="quantised"):
        from_hub()
    assert not any("model.safetensors" in path for path in hub.asked)


def test_pickles_only_are_refused(hub: StandInHub) -> None:
    (hub.directory / "model.safetensors").rename(hub.directory / "pytorch_model.bin")
    with pytest.raises(InvalidInput, match="pickles only"):
        from_hub()


def test_a_model_that_does_not_exist_is_refused(hub: StandInHub) -> None:
    with pytest.raises(InvalidInput, match="maker/none does not exist") as refused:
        from_hub("maker/none")
    assert refused.value.field == "model.id"


def test_a_revision_that_does_not_exist_is_refused(hub: StandInHub) -> None:
    with pytest.raises(InvalidInput, match="no revision v9") as refused:
        from_hub(revision="v9")
    assert refused.value.field == "model.revision"


def test_a_private_model_needs_the_callers_token(hub: StandInHub) -> None:
    hub.private = True
    assert from_hub(token=TOKEN).commit == COMMIT
    with pytest.raises(InvalidInput, match="needs a token"):
        from_hub(token="hf_another")


def test_files_cached_with_a_token_are_not_served_without_it(hub: StandInHub) -> None:
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
    hub: StandInHub, refusal: tuple[int, str], message: str
) -> None:
    hub.refusal = refusal  # the Hub tells everyone of a gated model; it is its files that it keeps
    with pytest.raises(InvalidInput, match=message) as refused:
        from_hub(token=TOKEN)
    assert refused.value.field == "model.id"


def test_a_token_on_this_machine_is_not_used(hub: StandInHub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.private = True
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with pytest.raises(InvalidInput, match="needs a token"):
        from_hub()


def test_a_hub_that_is_down_is_unreachable(hub: StandInHub) -> None:
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
    hub: StandInHub, monkeypatch: pytest.MonkeyPatch
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
def test_a_file_that_is_too_large_is_not_downloaded(hub: StandInHub) -> None:
    with (hub.directory / "LICENSE").open("wb") as file:
        file.truncate(5 * 2**20)
    with pytest.raises(InvalidInput, match="LICENSE of the model has 5242880 bytes"):
        from_hub()
    assert not [path for path in hub.asked if "resolve" in path and "LICENSE" in path]


@pytest.mark.threat
def test_files_beside_the_weights_that_are_too_many_are_not_downloaded(hub: StandInHub) -> None:
    for number in range(100):
        (hub.directory / f"LICENSE{number}").write_text("mine")
    with pytest.raises(
        InvalidInput, match="configs, tokenizer files and licences beside its weights, and 100"
    ):
        from_hub()
    assert not [path for path in hub.asked if "resolve" in path and "LICENSE" in path]
