"""Exported files on the pages of a job and of a zoo entry, in their answers, and compared with each other."""

import html
import re
from pathlib import Path
from uuid import UUID
from xml.etree import ElementTree

from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from api.page.compare.comparison import compare
from api.page.compare.page import front
from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.settings import Settings
from jobs.storage.store import Store
from tests.api.drive import ClientOf, Jobs, scopes_but
from tests.api.page.test_compare import SVG, job
from tests.report_document import export

NAMES = ["gguf:Q8_0", "compressed-tensors:fp8", "gguf:Q2_K_S"]
FAILED = "gguf:Q2_K_S was not exported: <llama.cpp> refused it"
RATES = [{"phase": "prefill", "tokens_per_second": 300.0, "dense": 200.0, "noise": 0.04}]
Q8 = export("gguf:Q8_0", 100_000, 0.0125, rates=RATES, types={"Q8_0": 7})
FP8 = export("compressed-tensors:fp8", 120_000, None, warnings=["some weights were zero"])


def exported(client: TestClient, jobs: Jobs, settings: Settings, tmp_path: Path) -> str:
    """Submit a job of ada's that exports, and end it. Returns its id."""
    gate = {"export": "gguf:Q8_0", "max_bytes": 99_000}
    asked = {"model": "org/name", "method": "none", "exports": NAMES, "gate": gate}
    claim = jobs.claim(UUID(client.post("/v1/jobs", json=asked).json()["id"]))
    artifacts = []
    for name in ("model.safetensors", Q8["path"], f"{FP8['path']}/model.safetensors"):
        (tmp_path / "file").write_text(name)
        stored = Store(settings.store_url).put_file(f"jobs/{claim.job_id}/{name}", tmp_path / "file")
        artifacts.append(FinishedArtifact(name, stored.key, stored.size, stored.sha256))
    warned = [FAILED, "compressed-tensors:fp8: some weights were zero", "the text is short"]
    jobs.succeed(claim, artifacts, exports=[Q8, FP8], warnings=warned)
    return str(claim.job_id)


def table(page: str) -> list[str]:
    """The rows of the table of exports, as text."""
    (found,) = re.findall(r'<table class="plain exports">(.*?)</table>', page, re.DOTALL)
    rows = (re.sub(r"</t[hd]>\s*<t", " | <t", row) for row in found.split("</tr>")[1:-1])
    texts = (html.unescape(re.sub(r"<[^>]+>", " ", row)) for row in rows)
    ascii_signs = {ord("\N{EN DASH}"): "-", ord("\N{MULTIPLICATION SIGN}"): "x"}
    return [" ".join(text.split()).translate(ascii_signs) for text in texts]


def test_a_job_shows_each_file_its_figures_and_what_failed(
    client_of: ClientOf, jobs: Jobs, settings: Settings, tmp_path: Path
) -> None:
    client = client_of(scopes=scopes_but("admin"))
    job_id = exported(client, jobs, settings, tmp_path)
    page = client.get(f"/jobs/{job_id}").text
    assert table(page) == [
        "gguf:Q8_0 7 Q8_0 | 100 kB 25 % | 10.00 +25.0 % | 0.0125 nats | 75 % | 300.00 1.50 x ± 4 % | -",
        "compressed-tensors:fp8 | 120 kB 30 % | 10.00 +25.0 % | - | - | - | -",
    ]
    (link,) = re.findall(r'href="([^"]+)" download>gguf:Q8_0</a>', page)
    assert client.get(link).text == Q8["path"]
    assert '<a href="#files">compressed-tensors:fp8</a>' in page
    assert 'id="files"' in page
    exports, _, picture = page.partition('class="plot"')
    assert "&lt;llama.cpp&gt; refused it" in exports
    assert "some weights were zero" in exports
    assert "by llama.cpp b1, on 8 windows of 512 tokens" in exports
    assert "the text is short" not in exports
    assert "the text is short" in picture
    assert "refused it" not in picture
    assert "<dt>Sparsity</dt>" not in page
    assert re.search(r"Gate: failed <span[^>]*>of gguf:Q8_0<", page)
    listed = client.get("/v1/jobs").json()["items"][0]["exports"]
    assert [(one["name"], one["bytes"], one["kl"]) for one in listed] == [
        ("gguf:Q8_0", 100_000, 0.0125),
        ("compressed-tensors:fp8", 120_000, None),
    ]
    # An admin sees the figures of another owner's job, and downloads nothing.
    admin = client_of("root").get(f"/jobs/{job_id}?owner=ada").text
    assert table(admin) == table(page)
    assert "download>gguf:Q8_0" not in admin


def test_an_entry_of_the_zoo_has_the_same_table_with_its_own_files(
    client_of: ClientOf, jobs: Jobs, settings: Settings, tmp_path: Path
) -> None:
    ada, eve = client_of("ada"), client_of("eve", scopes_but("admin"))
    job_id = exported(ada, jobs, settings, tmp_path)
    entry = ada.post("/v1/zoo", json={"job_id": job_id}).json()
    page = eve.get(entry["page"]).text
    assert table(page) == table(ada.get(f"/jobs/{job_id}").text)
    (link,) = re.findall(r'href="(/v1/zoo/[^"]+)" download>gguf:Q8_0</a>', page)
    assert eve.get(link).text == Q8["path"]
    assert eve.get(entry["url"]).json()["exports"] == [Q8, FP8]


@given(st.lists(st.sampled_from([0.0, -1e-7, 1e-4, 0.02, 0.3, 4.0]), min_size=1, max_size=6))
@settings(max_examples=15)
def test_files_are_drawn_whatever_their_divergence(losses: list[float]) -> None:
    one = job(0.5, 20.0)
    one.figures = {"exports": [export("gguf:F16", 1000 + 10 * n, loss) for n, loss in enumerate(losses)]}
    comparison = compare([one], {}).of_files
    for pixels in ((980, 380), (340, 320)):
        drawn = ElementTree.fromstring(front(comparison, pixels=pixels))  # noqa: S314 - our own page
        texts = {text.text for text in drawn.iter(f"{SVG}text")}
        assert {"KL from dense, nats", "file size"} <= texts
        assert any("A F16" in (text or "") for text in texts)
    assert comparison.heading == "KL from dense against file size"


def test_compared_jobs_list_their_files_and_draw_them(client: TestClient, jobs: Jobs) -> None:
    claims = [jobs.running(exports=NAMES), jobs.running(method="wanda")]
    jobs.succeed(claims[0], exports=[Q8, FP8, export("gguf:Q2_K_S", 130_000, 0.5)])
    jobs.succeed(claims[1], exports=[export("gguf:Q8_0", 100_000, 0.02), export("gguf:F16", 200_000, 0.0)])
    query = "&".join(f"job={claim.job_id}" for claim in claims)
    page = client.get(f"/compare?{query}").text
    assert "Perplexity against sparsity" in page
    front = "A Q8_0 with 100 kB at 0.0125 nats, B F16 with 200 kB at 0 nats."
    assert f"nearer to the dense model than {front}" in page
    states = re.findall("On the front|Dominated", page.partition('id="sizes"')[2])
    assert states == ["On the front", "Dominated", "Dominated", "On the front"]
    (address,) = set(re.findall(r'src="([^"]+files=true)"', page))
    files, all_jobs = (client.get(html.unescape(url)) for url in (address, f"/compare/front.svg?{query}"))
    assert "A Q2_K_S" in files.text
    assert "A Q2_K_S" not in all_jobs.text
    assert client.get(f"/compare/front.svg?job={jobs.queued()}&files=true").status_code == 404
