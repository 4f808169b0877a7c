"""Schemathesis checks every operation against the OpenAPI document: answers, problems, schemas."""

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from schemathesis.specs.openapi.checks import positive_data_acceptance

from api.app import create_app
from jobs import limits
from jobs.settings import Settings
from tests.api.drive import MakeKey
from tests.http_servers import serving

# The document cannot say all that a Hub id or a path must be.
TOO_MUCH = [positive_data_acceptance]


@pytest.fixture
def empty_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A Hub that has no model. A search for a size asks it."""
    (tmp_path / "hub").mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path / "hub")
    with serving(handler) as url:
        monkeypatch.setenv("HF_ENDPOINT", url)
        yield


@pytest.mark.usefixtures("empty_hub")
def test_every_operation_responds_as_documented(
    settings: Settings, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each operation is also asked without a valid key.
    monkeypatch.setattr(limits, "MAX_FAILED_SIGN_INS_PER_MINUTE", 10**6)
    changes = {
        "allowed_hosts": ("localhost", "testserver"),
        "rate_limit_per_minute": 10**6,
    }
    app = create_app(settings.model_copy(update=changes))
    key = {"Authorization": f"Bearer {make_key()}"}
    with TestClient(app):
        schema = schemathesis.openapi.from_asgi("/v1/openapi.json", app)
        # A stream of events has no end.
        tested = schema.exclude(path_regex="/events$")
        operations = [found.ok() for found in tested.get_all_operations()]
        assert len(operations) > 8
        for operation in operations:

            @examples(max_examples=15, derandomize=True, suppress_health_check=[*HealthCheck])
            @given(case=operation.as_strategy())
            def holds(case: schemathesis.Case) -> None:
                case.call_and_validate(headers=key, excluded_checks=TOO_MUCH)

            holds()
