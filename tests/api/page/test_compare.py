"""Comparing jobs: the front against a naive search, and where recipes differ."""

from itertools import product
from uuid import UUID, uuid4
from xml.etree import ElementTree

from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from api.page.compare.comparison import compare
from jobs.spec.job import JobSpec
from jobs.tables import Job
from tests.api.drive import SMALLEST, ClientOf, Jobs, scopes_but


def job(sparsity: float, perplexity: float | None, **asked: object) -> Job:
    spec = JobSpec.model_validate({"recipe": SMALLEST | asked})
    report = None if perplexity is None else {"sparsity": {"overall": sparsity}}
    return Job(
        model=spec.recipe.model.id,
        sparsity=sparsity,
        spec=spec.model_dump(mode="json"),
        report=report,
        dense_perplexity=10.0,
        pruned_perplexity=perplexity,
    )


steps = st.integers(1, 5)


@given(st.lists(st.tuples(steps, steps), min_size=1, max_size=8))
def test_the_front_has_the_jobs_that_no_other_dominates(places: list[tuple[int, int]]) -> None:
    compared = compare([job(zeros / 10, float(loss)) for zeros, loss in places]).jobs
    for (zeros, loss), one in zip(places, compared, strict=True):
        beaten = any(
            (more >= zeros and less < loss) or (more > zeros and less <= loss) for more, less in places
        )
        assert one.on_front is not beaten


def test_jobs_measured_differently_have_separate_fronts() -> None:
    comparison = compare([job(0.5, 30.0), job(0.6, 20.0, model="org/other"), job(0.5, None)])
    assert [one.on_front for one in comparison.jobs] == [True, True, False]
    assert not comparison.comparable
    assert [one.letter for one in comparison.measured] == ["A", "B"]
    assert [one.letter for one in compare([job(0.5, None)] * 54).jobs][25::14] == ["Z", "AN", "BB"]


def test_recipes_differ_where_their_fields_do() -> None:
    comparison = compare([job(0.5, 30.0), job(0.5, 31.0, method={"name": "gblm", "alpha": 5.0})])
    assert [(row.name, row.values) for row in comparison.rows if row.differs] == [
        ("method.alpha", ("100", "5"))
    ]
    assert ("method", ("gblm", "gblm")) in [(row.name, row.values) for row in comparison.rows]


def test_the_page_shows_own_jobs_and_their_picture(client_of: ClientOf, jobs: Jobs) -> None:
    mine = [jobs.running(method="wanda"), jobs.running()]
    for claim, perplexity in zip(mine, (70.0, 60.0), strict=True):
        jobs.succeed(claim, pruned=perplexity)
    query = "&".join(f"job={claim.job_id}" for claim in mine)
    client = client_of(scopes=scopes_but("admin"))
    html = client.get(f"/compare?{query}").text
    assert "No other job has both more zeros and a lower perplexity than B with 50 % at 60.00." in html
    assert "On the front" in html
    picture = client.get(f"/compare/front.svg?{query}")
    texts = [
        text.text
        for text in ElementTree.fromstring(picture.content).iter("{http://www.w3.org/2000/svg}text")  # noqa: S314
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


def test_a_sweep_is_shown_as_a_comparison_of_its_jobs(client_of: ClientOf, jobs: Jobs) -> None:
    client = client_of()
    job_fields = {name: value for name, value in SMALLEST.items() if name != "sparsity"}
    swept = client.post("/v1/sweeps", json={"job": job_fields, "vary": {"sparsity": [0.4, 0.5]}}).json()
    answer = client.get(f"/sweeps/{swept['id']}")
    assert answer.status_code == 303
    html = client.get(answer.headers["Location"]).text
    assert "Compare 2 jobs" in html
    job_id = UUID(swept["jobs"][0]["id"])
    assert f'href="/sweeps/{swept["id"]}"' in client.get(f"/jobs/{job_id}").text
    assert client_of("eve", scopes_but("admin")).get(f"/sweeps/{swept['id']}").status_code == 404
