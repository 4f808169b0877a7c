"""The contracts change on purpose: with a new snapshot."""

import pytest

from jobs.settings import Settings
from tools.contracts import CONTRACTS, FOLDER, text


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_snapshot_says_what_the_code_does(name: str) -> None:
    snapshot = (FOLDER / name).read_text()
    assert snapshot == text(CONTRACTS[name]()), "run `make contracts` and read the diff"


def test_every_setting_stands_under_its_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = CONTRACTS["settings.json"]()["properties"]
    assert len(variables) == len(Settings.model_fields)
    assert {"DATABASE_URL", "BROKER_URL", "STORE_URL", "PRUNESERVE_DEVICE"} <= variables.keys()
