"""Comparing jobs: their fronts, their pictures, and where recipes differ."""

import re
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from api.page.compare import page
from api.page.compare.comparison import MAX_POINTS, Comparison, compare
from api.page.compare.page import front
from api.page.sweeps import views
from jobs.spec.job import JobSpec
from jobs.tables import Job
from tests.api.drive import SMALLEST, ClientOf, Jobs, scopes_but

SVG = "{http://www.w3.org/2000/svg}"


def job(sparsity: float, perplexity: float | None, **asked: object) -> Job:
    spec = JobSpec.model_validate({"recipe": SMALLEST | asked})
    return Job(
        model=spec.recipe.model.id,
        sparsity=sparsity,
        spec=spec.model_dump(mode="json"),
        measured_sparsity=None if perplexity is None else sparsity,
        figures={"dense_perplexity": 10.0},
        pruned_perplexity=perplexity,
    )


def test_jobs_measured_differently_have_separate_fronts() -> None:
    comparison = compare([job(0.5, 30.0), job(0.6, 20.0, model="org/other"), job(0.5, None)], {})
    assert [one.on_front for one in comparison.jobs] == [True, True, False]
    assert not comparison.comparable
    assert [one.letter for one in comparison.measured] == ["A", "B"]
    assert [one.letter for one in compare([job(0.5, None)] * 54, {}).jobs][25::14] == ["Z", "AN", "BB"]


@pytest.mark.threat
def test_no_report_is_read_to_compare_jobs(client: TestClient, jobs: Jobs) -> None:
    """A request names up to 100 jobs, and the report of each can have megabytes."""
    asked: list[str] = []
    engine = client.app.state.resources.engine  # type: ignore[attr-defined]
    event.listen(engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    claim = jobs.running()
    jobs.succeed(claim)
    assert client.get(f"/compare?job={claim.job_id}").status_code == 200
    assert asked
    whole = re.compile(r"jobs\.report(?! *(?:->|\[|#>))")  # parts of it are taken by the database
    assert not any(whole.search(statement) for statement in asked)


def test_the_page_shows_own_jobs_and_their_picture(client_of: ClientOf, jobs: Jobs) -> None:
    mine = [jobs.running(method="wanda"), jobs.running()]
    measured = ((70.0, {}), (60.0, {"kl": 0.71238, "agreement": 0.625}))
    for claim, (perplexity, fidelity) in zip(mine, measured, strict=True):
        jobs.succeed(claim, pruned=perplexity, fidelity=fidelity)
    query = "&".join(f"job={claim.job_id}" for claim in mine)
    client = client_of(scopes=scopes_but("admin"))
    html = client.get(f"/compare?{query}").text
    assert "No other job has both more zeros and a lower perplexity than B with 50 % at 60.00." in html
    assert "On the front" in html
    cells = [re.findall(r'<td class="number[^"]*">(.*?)</td>', row) for row in html.split("<tr")[2:4]]
    assert [row[2] for row in cells] == ["\N{EN DASH}", "0.7124 nats"]
    picture = client.get(f"/compare/front.svg?{query}")
    texts = [
        text.text
        for text in ElementTree.fromstring(picture.content).iter("{http://www.w3.org/2000/svg}text")  # noqa: S314 - our own page
    ]
    assert {"A", "B", "dense"} <= set(texts)
    # A further result is another picture.
    third = jobs.running()
    jobs.succeed(third, pruned=50.0)
    assert client.get(f"/compare/front.svg?{query}&job={third.job_id}").content != picture.content


def test_a_comparison_is_bounded_and_may_be_empty(client: TestClient, jobs: Jobs) -> None:
    assert "Select jobs" in client.get("/compare").text
    assert client.get(f"/compare/front.svg?job={jobs.queued()}").status_code == 404
    assert client.get("/compare?" + "&".join(f"job={uuid4()}" for _ in range(101))).status_code == 422


def test_points_on_top_of_each_other_share_a_label() -> None:
    svg = front(compare([job(0.5, 20.0), job(0.6, 30.0), job(0.5, 20.01)], {}), pixels=(980, 320))
    texts = [text.text for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]  # noqa: S314 - our own page
    assert "A, C" in texts
    assert "B" in texts


class Counted(float):
    """A figure whose comparisons are counted."""

    compared = 0

    def __le__(self, other: float) -> bool:
        Counted.compared += 1
        return float(self) <= float(other)

    def __lt__(self, other: float) -> bool:
        Counted.compared += 1
        return float(self) < float(other)


def exporting(jobs: int) -> Comparison:
    """Jobs of sixteen files each, all of them on the front."""
    found = [job(0.5, 20.0) for _ in range(jobs)]
    for number, one in enumerate(found):
        places = range(16 * number, 16 * number + 16)
        one.exports = [{"name": f"gguf:{at}", "bytes": 10**9 + at, "kl": Counted(1000 - at)} for at in places]
    return compare(found, {})


def test_files_are_compared_by_sorting_them() -> None:
    Counted.compared = 0
    files = exporting(50).files
    assert all(one.on_front for one in files)
    assert len(files) == 800
    assert Counted.compared < 20 * len(files)


def test_a_picture_shows_so_many_points_and_the_front_of_them_first() -> None:
    comparison = exporting(20).of_files
    assert len(comparison.measured) == 320
    assert len(comparison.drawn) == MAX_POINTS == front(comparison, pixels=(980, 320)).count(b"<use")
    many = compare([*(job(0.3, 40.0) for _ in range(MAX_POINTS)), job(0.5, 20.0)], {})
    assert [one.on_front for one in many.drawn] == [True] + [False] * (MAX_POINTS - 1)


def test_a_page_says_how_many_points_its_picture_shows(
    client: TestClient, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = [jobs.running() for _ in range(3)]
    for number, claim in enumerate(mine):
        jobs.succeed(claim, pruned=50.0 + number)
    query = "&".join(f"job={claim.job_id}" for claim in mine)
    said = "The picture shows 2 of 3 points"
    assert said not in client.get(f"/compare?{query}").text
    monkeypatch.setattr("api.page.compare.comparison.MAX_POINTS", 2)
    assert said in client.get(f"/compare?{query}").text


def test_jobs_are_compared_once_their_connection_is_free(
    client: TestClient, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = list[bool]()

    def comparing(*arguments: Any, **named: Any) -> Comparison:
        used = client.app.state.resources.database.kw["bind"].pool.checkedout()  # type: ignore[attr-defined]
        free.append(used == 0)
        return compare(*arguments, **named)

    for module in (page, views):
        monkeypatch.setattr(module, "compare", comparing)
    client.get(f"/compare?job={jobs.queued()}")
    sweep = client.post(
        "/v1/sweeps", json={"job": {"model": "org/name", "method": "gblm"}, "vary": {"sparsity": [0.4, 0.5]}}
    ).json()
    client.get(f"/sweeps/{sweep['id']}")
    assert free == [True, True]


def sized(weight_bytes: int | None, perplexity: float) -> Job:
    one = job(0.0, perplexity, structure={"mlp_channels": 0.25})
    one.weight_bytes = weight_bytes
    return one


def test_smaller_models_are_compared_by_their_size() -> None:
    jobs = [sized(300, 20.0), sized(200, 30.0), sized(250, 35.0), sized(200, 30.0), sized(None, 1.0)]
    masked = job(0.5, 25.0)
    masked.weight_bytes = 400
    comparison = compare([*jobs, masked], {})
    assert [one.on_front for one in comparison.jobs] == [True, True, False, True, False, False]
    assert [one.letter for one in comparison.measured] == ["A", "B", "C", "D", "F"]
    assert comparison.heading == "Perplexity against size"
    assert "No other job is both smaller and has a lower perplexity than B with 200 B" in comparison.caption
    svg = front(comparison, pixels=(980, 320))
    texts = {text.text for text in ElementTree.fromstring(svg).iter(f"{SVG}text")}  # noqa: S314 - our own page
    assert {"A", "B, D", "C", "F", "size of the weights"} <= texts


def test_masks_and_smaller_models_are_compared_by_compressed_bytes() -> None:
    cut, dense_mask, sparse_mask = sized(300, 30.0), job(0.3, 28.0), job(0.6, 29.0)
    for one, stored in ((cut, 250), (dense_mask, 320), (sparse_mask, 240)):
        one.weight_bytes, one.stored_weight_bytes = one.weight_bytes or 400, stored
    comparison = compare([cut, dense_mask, sparse_mask], {})
    assert comparison.heading == "Perplexity against compressed size"
    assert [one.value for one in comparison.jobs] == [250, 320, 240]
    assert [one.on_front for one in comparison.jobs] == [False, True, True]
    # Where one was not kept, and among smaller models alone, by the files as they are.
    dense_mask.stored_weight_bytes = None
    for jobs in ([cut, dense_mask, sparse_mask], [cut]):
        assert compare(jobs, {}).heading == "Perplexity against size"


@given(st.lists(st.integers(1_000, 10**13), min_size=2, max_size=6, unique=True), st.sampled_from([340, 980]))
@settings(max_examples=15)
def test_no_two_ticks_of_sizes_read_the_same(sizes: list[int], width: int) -> None:
    jobs = [sized(size, 20.0 + number) for number, size in enumerate(sizes)]
    assert_different(front(compare(jobs, {}), pixels=(width, 320)))


def test_ticks_of_near_sizes_have_decimals() -> None:
    near = (13_010_000, 13_100_000, 13_240_000)
    jobs = [sized(size, 20.0 + number) for number, size in enumerate(near)]
    assert len(assert_different(front(compare(jobs, {}), pixels=(980, 320)))) > 2


def assert_different(svg: bytes) -> list[str]:
    texts = [text.text or "" for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]  # noqa: S314 - our own page
    ticks = [text for text in texts if re.fullmatch(r"[\d,.]+ [kMGT]?B", text)]
    assert ticks
    assert len(set(ticks)) == len(ticks), ticks
    return ticks


def test_a_comparison_shows_each_domain_of_each_text(client: TestClient, jobs: Jobs) -> None:
    def measured(pruned: float, text: str) -> str:
        claim = jobs.running(domains={"code": text})
        figures = {"dense": 10.0, "pruned": pruned, "kl": 0.25, "agreement": 0.5, "windows": 9}
        overall = {"dataset": "builtin", "windows": 1, "sequence_length": 64, "kl": None, "agreement": None}
        jobs.succeed(claim, fidelity=overall, domains={"code": figures | {"dataset": text}})
        return str(claim.job_id)

    ids = [measured(12.0, "builtin-code"), measured(15.0, "builtin-code"), measured(20.0, "builtin-math")]
    html = client.get("/compare?" + "&".join(f"job={job_id}" for job_id in ids)).text
    assert "cannot be compared" not in html
    table = html.split('<h2 id="domains">')[1]
    assert re.findall(r'>(code)<span class="sub">([\w-]+)', table) == [
        ("code", "builtin-code"),
        ("code", "builtin-math"),
    ]
    dash = "\N{EN DASH}"
    rows = [re.findall(r'<td class="number">([^<]*)', row) for row in table.split("<tr>")[2:5]]
    assert rows == [["12.00", dash], ["15.00", dash], [dash, "20.00"]]
    page = client.get(f"/jobs/{ids[0]}").text
    assert "<h3>By domain</h3>" in page
    assert "over dense, on 1 window of 64 tokens of builtin, no interval</dd>" in page
    assert "builtin-code, 9 windows" in page
