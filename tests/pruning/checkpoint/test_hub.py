"""Models from the Hub, served by a stand-in."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import constants
from safetensors import safe_open

from pruning.checkpoint.checkpoint import Checkpoint, resolve
from pruning.errors import InvalidInput, PruningError, Unreachable
from pruning.estimate import UnknownShape, shape_of_config
from pruning.pipeline.resources import DiskTooSmall
from pruning.recipe import Evaluation, ModelReference, Recipe
from tests.pruning.runs import run_recipe
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


def test_the_name_of_a_weight_file_is_no_pattern(hub: StandInHub) -> None:
    weights = hub.directory / "model.safetensors"
    with safe_open(weights, "pt") as file:
        index = {"weight_map": dict.fromkeys(file.keys(), "w[0-9].safetensors")}
    weights.rename(hub.directory / "w[0-9].safetensors")
    (hub.directory / "model.safetensors.index.json").write_text(json.dumps(index))
    (hub.directory / "w1.safetensors").write_bytes(b"not counted before the download")
    assert from_hub().weight_files == ("w[0-9].safetensors",)
    assert not any("w1" in path for path in hub.asked)


def test_an_unprunable_model_is_refused_before_its_weights_are_downloaded(hub: StandInHub) -> None:
    path = hub.directory / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "quantization_config": {"bits": 4}}))
    with pytest.raises(InvalidInput, match="quantised"):
        from_hub()
    assert not any("model.safetensors" in path for path in hub.asked)


def test_what_is_to_be_downloaded_is_reported_first_and_may_be_refused(
    hub: StandInHub, tmp_path: Path
) -> None:
    downloads_reported: list[int] = []

    def report(config: Mapping[str, Any], downloads: Mapping[Path, int]) -> None:
        assert config["model_type"] == "llama"
        (directory,) = downloads
        assert directory.is_relative_to(tmp_path / "cache")
        downloads_reported.extend(downloads.values())
        if len(downloads_reported) == 1:
            raise PruningError("no space")

    def resolve_telling() -> None:
        resolve(ModelReference(id="maker/tiny"), before_download=report)

    with pytest.raises(PruningError, match="no space"):
        resolve_telling()
    assert not any("model.safetensors" in path for path in hub.asked)
    resolve_telling()
    resolve_telling()
    size = (hub.directory / "model.safetensors").stat().st_size
    assert downloads_reported == [size, size, 0]


def test_files_that_another_worker_is_downloading_are_not_counted_as_to_come(
    hub: StandInHub, tmp_path: Path
) -> None:
    def to_come() -> int:
        downloads_reported: list[int] = []

        def report(_config: Mapping[str, Any], downloads: Mapping[Path, int]) -> None:
            downloads_reported.extend(downloads.values())
            raise PruningError("stopped")

        with pytest.raises(PruningError, match="stopped"):
            resolve(ModelReference(id="maker/tiny"), before_download=report)
        return downloads_reported[0]

    weights = hub.directory / "model.safetensors"
    blobs, blob = (
        tmp_path / "cache/models--maker--tiny/blobs",
        hashlib.sha256(weights.read_bytes()).hexdigest(),
    )
    size = weights.stat().st_size
    assert to_come() == size
    (blobs / f"{'0' * 64}.01234567.incomplete").write_bytes(bytes(1000))  # of another revision
    (blobs / f"{blob}.89abcdef.incomplete").symlink_to("nowhere")  # renamed as soon as it was listed
    assert to_come() == size
    part = blobs / f"{blob}.01234567.incomplete"
    part.write_bytes(bytes(500))
    assert to_come() == size - 500
    os.utime(part, (0, 0))  # its writer was killed
    assert to_come() == size
    shutil.copy(weights, blobs / blob)  # no commit's link leads there yet
    assert to_come() == 0


def test_a_model_of_unknown_shape_is_not_downloaded_to_a_full_disk(
    hub: StandInHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = hub.directory / "config.json"
    config = {**json.loads(path.read_text()), "model_type": "glm", "architectures": ["GlmForCausalLM"]}
    path.write_text(json.dumps(config))
    with pytest.raises(UnknownShape):
        shape_of_config(config)
    recipe = Recipe.model_validate({"model": "maker/tiny", "method": "magnitude", "sparsity": 0.5})
    size, usage = (hub.directory / "model.safetensors").stat().st_size, shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=size - 1))
    with pytest.raises(DiskTooSmall, match="the weights to download need") as refused:
        run_recipe(recipe, Evaluation(), output=tmp_path / "out")
    assert (refused.value.field, refused.value.needed, refused.value.free) == ("output", size, size - 1)
    assert "free 1 B or more" in str(refused.value)
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


@pytest.mark.threat
def test_gated_files_cached_with_a_token_are_not_served_without_it(hub: StandInHub) -> None:
    from_hub(token=TOKEN)
    hub.refusal = (403, "GatedRepo")
    with pytest.raises(InvalidInput, match="is gated"):
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
    hub.refusal = refusal  # the Hub describes a gated model to everyone, and withholds its files
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
@pytest.mark.parametrize("name", ["LICENSE", "LICENSE-00001.safetensors"])
def test_a_file_that_is_too_large_is_not_downloaded(hub: StandInHub, name: str) -> None:
    with (hub.directory / name).open("wb") as file:
        file.truncate(5 * 2**20)
    with pytest.raises(InvalidInput, match=f"{name} of the model has 5242880 bytes"):
        from_hub()
    assert not [path for path in hub.asked if "resolve" in path and "LICENSE" in path]


def test_a_model_that_changes_after_its_files_were_listed_is_listed_again(hub: StandInHub) -> None:
    hub.older = ["f" * 40]
    with pytest.raises(Unreachable, match="has just changed on the Hub; try again"):
        from_hub()
    assert not [path for path in hub.asked if "resolve" in path and "config.json" not in path]
    assert from_hub().commit == COMMIT


@pytest.mark.threat
def test_too_many_files_next_to_the_weights_are_not_downloaded(hub: StandInHub) -> None:
    for number in range(100):
        (hub.directory / f"LICENSE{number}").write_text("mine")
    with pytest.raises(
        InvalidInput, match="configs, tokenizer files and licences in addition to its weights, and 100"
    ):
        from_hub()
    assert not [path for path in hub.asked if "resolve" in path and "LICENSE" in path]
