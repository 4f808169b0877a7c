"""The form offers models that lie in the service's own directories."""

import re
import threading
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.page.submit import new
from api.page.submit.new import local_models
from jobs.settings import Settings
from tests.small_disk import dead_mount


def place(*directories: Path) -> None:
    for directory in directories:
        directory.mkdir(parents=True)
        (directory / "config.json").write_text("{}")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root, outside = tmp_path / "root", tmp_path / "outside"
    place(root / "b" / "small", root / "a", root / "deep" / "in" / "it", outside)
    (root / "link").symlink_to(outside)
    (root / "notes").mkdir()
    return root


@pytest.fixture
def settings(settings: Settings, root: Path) -> Settings:
    return settings.model_copy(update={"model_roots": (root, root.parent / "missing")})


def test_models_are_found_two_levels_below_a_root_and_no_link_is_followed(root: Path) -> None:
    expected = [str(root / "a"), str(root / "b" / "small")]
    assert local_models([root, root / "missing"], most=9) == expected
    assert local_models([root], most=1) == expected[:1]


def test_a_root_may_be_a_model_itself_and_hides_none_below_it(root: Path) -> None:
    (root / "config.json").touch()
    assert local_models([root], most=9) == [str(root), str(root / "a"), str(root / "b" / "small")]


def test_a_root_that_fails_counts_as_empty(tmp_path: Path, root: Path) -> None:
    with dead_mount(tmp_path / "mount") as dead:
        assert local_models([dead, root / "b"], most=9) == [str(root / "b" / "small")]


def test_the_search_for_models_reads_a_limited_number_of_entries(tmp_path: Path) -> None:
    for number in range(700):
        (tmp_path / f"{number}").mkdir()
        (tmp_path / f"{number}" / "config.json").touch()
    assert len(local_models([tmp_path], most=1000)) == 500


def test_the_form_offers_them(client: TestClient, root: Path) -> None:
    offered = re.findall(r'<option value="(/[^"]+)">', client.get("/jobs/new").text)
    assert offered == [str(root / "a"), str(root / "b" / "small")]


@pytest.mark.threat
def test_a_disk_that_hangs_keeps_no_form_from_being_shown(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a few requests would take all threads that routes share."""
    over = threading.Event()

    def hang(*_: object, **__: object) -> list[str]:
        over.wait(60)
        return ["/srv/models/late"]

    monkeypatch.setattr(new, "local_models", hang)
    try:
        answers = [client.get("/jobs/new") for _ in range(10)]
        assert not over.is_set()
    finally:
        over.set()
    assert {answer.status_code for answer in answers} == {200}
    assert "/srv/models/late" not in answers[0].text
