"""Comparing jobs: the front against a naive search, and where recipes differ."""

import csv
import io
import re
from itertools import combinations, product
from uuid import uuid4
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from api.page.compare.comparison import compare
from api.page.compare.front import front
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


steps = st.integers(1, 5)


@given(st.lists(st.tuples(steps, steps), min_size=1, max_size=8))
def test_the_front_has_the_jobs_that_no_other_dominates(places: list[tuple[int, int]]) -> None:
    compared = compare([job(zeros / 10, float(loss)) for zeros, loss in places], {}).jobs
    for (zeros, loss), one in zip(places, compared, strict=True):
        beaten = any(
            (more >= zeros and less < loss) or (more > zeros and less <= loss) for more, less in places
        )
        assert one.on_front is not beaten


def test_jobs_measured_differently_have_separate_fronts() -> None:
    comparison = compare([job(0.5, 30.0), job(0.6, 20.0, model="org/other"), job(0.5, None)], {})
    assert [one.on_front for one in comparison.jobs] == [True, True, False]
    assert not comparison.comparable
    assert [one.letter for one in comparison.measured] == ["A", "B"]
    assert [one.letter for one in compare([job(0.5, None)] * 54, {}).jobs][25::14] == ["Z", "AN", "BB"]


def test_recipes_differ_where_their_fields_do() -> None:
    comparison = compare([job(0.5, 30.0), job(0.5, 31.0, method={"name": "gblm", "alpha": 5.0})], {})
    assert [(row.name, row.values) for row in comparison.rows if row.differs] == [
        ("method.alpha", ("100", "5"))
    ]
    assert ("method", ("gblm", "gblm")) in [(row.name, row.values) for row in comparison.rows]


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
    assert [row[3:5] for row in cells] == [["\N{EN DASH}"] * 2, ["0.7124 nats", "62.5 %"]]
    picture = client.get(f"/compare/front.svg?{query}")
    texts = [
        text.text
        for text in ElementTree.fromstring(picture.content).iter("{http://www.w3.org/2000/svg}text")  # noqa: S314 - our own page
    ]
    assert {"A", "B", "dense"} <= set(texts)
    drawn = client.app.state.resources.pictures  # type: ignore[attr-defined]
    assert [key[0] for key in drawn._kept] == ["front"]
    # A further result is another picture.
    third = jobs.running()
    jobs.succeed(third, pruned=50.0)
    assert client.get(f"/compare/front.svg?{query}&job={third.job_id}").content != picture.content
    theirs = jobs.queued("eve")
    for path, extra in product(
        ("/compare", "/compare/front.svg"), (f"&job={theirs}", f"&job={theirs}&owner=eve")
    ):
        assert client.get(f"{path}?{query}{extra}").status_code in (403, 404)


def test_a_comparison_is_bounded_and_may_be_empty(client: TestClient, jobs: Jobs) -> None:
    assert "Select jobs" in client.get("/compare").text
    assert client.get(f"/compare/front.svg?job={jobs.queued()}").status_code == 404
    assert client.get("/compare?" + "&".join(f"job={uuid4()}" for _ in range(101))).status_code == 422


def test_no_label_of_the_picture_covers_another_one_or_a_point() -> None:
    """Checked in the drawn SVG, where each label is a text with its place, and each point a `use`."""
    near = [(0.50, 20.0), (0.505, 20.3), (0.51, 20.6), (0.52, 10.4), (0.95, 10.2), (0.5, 10.1), (0.9, 30.0)]
    for width in (340, 980):
        svg = ElementTree.fromstring(front(compare([job(*place) for place in near], {}), pixels=(width, 320)))  # noqa: S314 - our own page
        boxes = [box for text in svg.iter(f"{SVG}text") if (box := _label_box(text))]
        # Ticks are drawn by `use` too, but not within the clipped area.
        points = [
            (float(use.get("x", "")), float(use.get("y", "")))
            for group in svg.iter(f"{SVG}g")
            if group.get("clip-path")
            for use in group.iter(f"{SVG}use")
        ]
        letters = ", ".join(text.text or "" for text in svg.iter(f"{SVG}text") if _label_box(text))
        assert sorted(letters.split(", ")) == [*"ABCDEFG", "dense"]
        assert all(left >= 0 and right <= width for left, _, right, _ in boxes)
        assert len(points) == len(near)
        for one, other in combinations(boxes, 2):
            assert min(one[2], other[2]) <= max(one[0], other[0]) or min(one[3], other[3]) <= max(
                one[1], other[1]
            ), (width, one, other)
        for left, top, right, bottom in boxes:
            assert not any(left < x < right and top < y < bottom for x, y in points)


def _label_box(text: ElementTree.Element) -> tuple[float, float, float, float] | None:
    """Left, top, right, bottom of a letter or of `dense`, by narrow estimates of a font's sizes."""
    words = text.text or ""
    if not re.fullmatch("[A-Z](, [A-Z])*|dense", words):
        return None
    x, y = float(text.get("x", "")), float(text.get("y", ""))
    width = 6.5 * len(words)
    left = x - width if "text-anchor: end" in text.get("style", "") else x
    return left, y - 9, left + width, y


def test_points_on_top_of_each_other_share_a_label() -> None:
    svg = front(compare([job(0.5, 20.0), job(0.6, 30.0), job(0.5, 20.0)], {}), pixels=(980, 320))
    texts = [text.text for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]  # noqa: S314 - our own page
    assert "A, C" in texts
    assert "B" in texts


def test_a_comparison_is_downloaded_as_csv_and_json_with_the_same_figures(
    client_of: ClientOf, jobs: Jobs
) -> None:
    client = client_of(scopes=scopes_but("admin"))
    claim = jobs.running(method="wanda")
    jobs.succeed(claim, pruned=70.0)
    ids = [claim.job_id, jobs.queued(model="org/x"), jobs.queued()]
    query = "&".join(f"job={job_id}" for job_id in ids)
    rows = client.get(f"/compare/jobs.json?{query}").json()
    assert [row["id"] for row in rows] == [str(job_id) for job_id in ids]
    assert [row["pruned_perplexity"] for row in rows] == [70.0, None, None]
    assert [row["measured_sparsity"] for row in rows] == [0.5, None, None]
    assert [row["recipe.method"] for row in rows] == ["wanda", "gblm", "gblm"]
    answer = client.get(f"/compare/jobs.csv?{query}")
    assert answer.headers["Content-Type"].startswith("text/csv")
    read = list(csv.DictReader(io.StringIO(answer.text)))
    assert [{name: value or None for name, value in row.items()} for row in read] == [
        {name: None if value in (None, "") else str(value) for name, value in row.items()} for row in rows
    ]
    assert client.get("/compare/jobs.csv").text.strip() == ""
    theirs = jobs.queued("eve")
    assert client.get(f"/compare/jobs.csv?job={theirs}").status_code == 404


@pytest.mark.threat
def test_no_cell_of_the_csv_is_a_formula(client: TestClient, jobs: Jobs) -> None:
    job_id = jobs.queued(layers={"include": ["=1+1"]})
    (row,) = csv.DictReader(io.StringIO(client.get(f"/compare/jobs.csv?job={job_id}").text))
    assert row["recipe.layers.include"] == "'=1+1"


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
    assert "No other job is both smaller and has a lower perplexity than B with 200 B" in comparison.finding
    svg = front(comparison, pixels=(980, 320))
    texts = {text.text for text in ElementTree.fromstring(svg).iter(f"{SVG}text")}  # noqa: S314 - our own page
    assert {"A", "B, D", "C", "F", "size of the weights"} <= texts


def test_masks_and_smaller_models_are_compared_by_compressed_bytes() -> None:
    cut, dense_mask, sparse_mask = sized(300, 30.0), job(0.3, 28.0), job(0.6, 29.0)
    for one, stored in ((cut, 250), (dense_mask, 320), (sparse_mask, 240)):
        one.weight_bytes, one.stored_weight_bytes = one.weight_bytes or 400, stored
    comparison = compare([cut, dense_mask, sparse_mask], {})
    assert comparison.heading == "Perplexity against compressed size"
    assert [one.gain for one in comparison.jobs] == [250, 320, 240]
    assert [one.on_front for one in comparison.jobs] == [False, True, True]
    # Where one was not kept, and among smaller models alone, by the files as they are.
    dense_mask.stored_weight_bytes = None
    for jobs in ([cut, dense_mask, sparse_mask], [cut]):
        assert compare(jobs, {}).heading == "Perplexity against size"
