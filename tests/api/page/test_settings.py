"""The page of settings, compared with what REST says: keys, storage, and where the rest is done."""

import html
import re

from fastapi.testclient import TestClient

from api.page.base.format import FILTERS
from jobs.lifecycle.lifecycle import FinishedArtifact
from tests.api.drive import ORIGIN, ClientOf, Jobs, scopes_but


def test_the_sums_of_what_is_stored_are_those_of_rest(client: TestClient, jobs: Jobs) -> None:
    claim = jobs.running()
    jobs.succeed(claim, [FinishedArtifact("model.safetensors", "k/m", 3_000_000, "ab" * 32)])
    client.post("/v1/uploads?name=mine", content="some text", headers={"Content-Type": "text/plain"})
    use = client.get("/v1/storage").json()
    assert (use["artifact_bytes"], use["upload_bytes"]) == (3_000_000, 9)
    page = html.unescape(client.get("/settings").text).partition('id="storage"')[2]
    shown = dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", page))
    size = FILTERS["size"]
    assert shown["Results"].startswith(f"{size(3_000_000)}, ")
    assert shown["Uploads and gradient norms"] == f"9 B of {size(use['quota_bytes'])}"
    assert page.partition("</h2>")[0].endswith(f"{size(use['total_bytes'])}</span>")


def test_the_navigation_has_four_places(client_of: ClientOf) -> None:
    for client in (client_of(), client_of(scopes=scopes_but("admin"))):
        page = client.get("/settings").text.partition("</header>")[0]
        links = re.findall(r'<a href="([^"]+)"( aria-current="page")?>(\w+)</a>', page)
        assert [(path, name) for path, _, name in links] == [
            ("/jobs", "Jobs"),
            ("/sweeps", "Sweeps"),
            ("/zoo", "Zoo"),
            ("/settings", "Settings"),
        ]
        assert [name for _, current, name in links if current] == ["Settings"]


def test_a_reader_sees_keys_and_no_button(client_of: ClientOf) -> None:
    page = client_of(scopes=scopes_but("jobs:write")).get("/settings").text
    assert "ps_" in page
    assert 'action="/settings' not in page
    assert (
        client_of(scopes=scopes_but("jobs:write"))
        .post("/settings/keys", data={"name": "x"}, headers=ORIGIN)
        .status_code
        == 403
    )
