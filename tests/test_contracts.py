"""The contracts change on purpose: with a new snapshot, and with an entry in CHANGELOG.md."""

import json
from typing import Any

import pytest

from jobs.settings import Settings
from tools.contracts import CHANGELOG, CONTRACTS, FOLDER, digest, recorded_digest, text

ENTRY = "- `events.json` is now `0123456789ab`: `at` is new."


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_snapshot_says_what_the_code_does(name: str) -> None:
    snapshot = (FOLDER / name).read_text()
    assert snapshot == text(CONTRACTS[name]()), "run `make contracts` and read the diff"


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_newest_entry_of_the_changelog_names_the_snapshot(name: str) -> None:
    snapshot = json.loads((FOLDER / name).read_text())
    recorded = recorded_digest(CHANGELOG.read_text(), name)
    assert recorded == digest(snapshot), "run `make contracts`, and add what it prints to CHANGELOG.md"


def test_the_newest_of_several_entries_counts() -> None:
    older = ENTRY.replace("0123456789ab", "aaaaaaaaaaaa")
    assert recorded_digest(f"{ENTRY}\n{older}\n", "events.json") == "0123456789ab"


@pytest.mark.parametrize(
    "changelog",
    [
        "",
        ENTRY.replace("events", "report"),
        ENTRY.replace("0123456789ab", "0123456789abc"),
        ENTRY.replace(" `at` is new.", ""),
        ENTRY.replace(" `at` is new.", " <what has changed>"),
    ],
    ids=["no entry", "another snapshot", "no digest", "no explanation", "the placeholder"],
)
def test_what_is_no_entry_is_not_taken_for_one(changelog: str) -> None:
    assert recorded_digest(changelog, "events.json") is None


SCHEMA: dict[str, Any] = {
    "title": "Thing",
    "properties": {"title": {"type": "string", "description": "Its name."}},
    "required": ["title"],
}


def test_prose_leaves_the_digest_as_it_is() -> None:
    reworded = {**SCHEMA, "title": "A thing", "properties": {"title": {"type": "string"}}}
    assert digest(reworded) == digest(SCHEMA)


@pytest.mark.parametrize(
    "changed",
    [
        {**SCHEMA, "properties": {}},
        {**SCHEMA, "properties": {"title": {"type": "integer"}}},
        {**SCHEMA, "required": []},
    ],
    ids=["a field called title goes", "a type changes", "a field becomes optional"],
)
def test_what_programs_rely_on_changes_the_digest(changed: dict[str, Any]) -> None:
    assert digest(changed) != digest(SCHEMA)


def test_every_setting_stands_under_its_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = CONTRACTS["settings.json"]()["properties"]
    assert len(variables) == len(Settings.model_fields)
    assert {"DATABASE_URL", "BROKER_URL", "STORE_URL", "PRUNESERVE_LEASE_SECONDS"} <= variables.keys()
