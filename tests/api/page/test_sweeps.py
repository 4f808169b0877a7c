"""The pages of sweeps and searches: the list, a page with its answer, and the form that makes them."""

import re
from uuid import UUID
from xml.etree import ElementTree

from fastapi.testclient import TestClient

from tests.api.drive import DENSE, ORIGIN, ClientOf, SweepRunner, perplexity, scopes_but, submit_sweep


def submitted(client: TestClient, **body: object) -> str:
    return str(submit_sweep(client, **body)["id"])


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_a_search_shows_its_bound_its_trace_its_answer_and_what_is_left(
    client: TestClient, runner: SweepRunner
) -> None:
    target = {"max_perplexity_increase": 0.25, "tolerance": 0.05}
    sweep_id = submitted(client, target=target)
    before = text_of(client.get(f"/sweeps/{sweep_id}").text)
    assert "sparsest with perplexity at most 25 % over dense" in before
    assert "known once the dense model is measured" in before
    assert "at most 6 to go" in before
    assert "Cancel search" in before
    assert client.get(f"/sweeps/{sweep_id}/front.svg").status_code == 404
    ended = runner.run(sweep_id, client)
    rounds = len(runner.ended)
    html = client.get(f"/sweeps/{sweep_id}").text
    after = text_of(html)
    # Of the sparsities that were tried, the largest whose perplexity is within a quarter over dense.
    met = [job for job in ended["jobs"] if perplexity(job["sparsity"]) <= 1.25 * DENSE]
    best_job = max(met, key=lambda job: job["sparsity"])
    best = best_job["sparsity"]
    assert (ended["search"]["met"], ended["search"]["best_job"]) == (best, best_job["id"])
    assert [job for job in ended["jobs"] if job["gate"]["state"] == "passed"] == met
    assert [UUID(job["id"]) for job in ended["jobs"]] == runner.ended
    answer = html.partition("<dt>Answer</dt>")[2].partition("</div>")[0]
    assert f"{round(100 * best, 1):g} %" in text_of(answer)
    assert f'href="/jobs/{best_job["id"]}"' in answer
    assert "25.00" in after.partition("Bound")[2].partition("Jobs")[0]
    assert f"{rounds} of {rounds} ended" in after
    assert "Cancel search" not in after
    picture = client.get(f"/sweeps/{sweep_id}/front.svg").content
    words = {text.text for text in ElementTree.fromstring(picture).iter() if text.text}  # noqa: S314 - our own page
    assert {"bound", "dense"} <= words
    listed = text_of(client.get("/sweeps").text)
    assert f"{round(100 * best, 1):g} %" in listed
    assert f"{rounds} of {rounds} jobs ended" in listed


def test_a_sweep_shows_what_it_varies_and_its_jobs(client: TestClient, runner: SweepRunner) -> None:
    sweep_id = submitted(
        client, vary={"sparsity": [0.4, 0.5], "method": ["wanda", "gblm"]}, job={"model": "org/name"}
    )
    html = client.get(f"/sweeps/{sweep_id}").text
    assert "sparsity 0.4, 0.5; method wanda, gblm" in text_of(html)
    assert "0 of 4 ended" in text_of(html)
    runner.run(sweep_id, client)
    html = client.get(f"/sweeps/{sweep_id}").text
    assert "4 of 4 ended" in text_of(html)
    jobs = client.get(f"/v1/sweeps/{sweep_id}").json()["jobs"]
    assert set(re.findall(r'href="/jobs/([0-9a-f-]{36})"', html)) == {job["id"] for job in jobs}
    assert f'href="/sweeps/{sweep_id}"' in client.get(f"/jobs/{jobs[0]['id']}").text


def test_cancelling_a_sweep_cancels_its_unfinished_jobs(client: TestClient) -> None:
    sweep_id = submitted(client, vary={"sparsity": [0.4, 0.5]})
    answer = client.post(f"/sweeps/{sweep_id}/cancel", headers=ORIGIN)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/sweeps/{sweep_id}")
    sweep = client.get(f"/v1/sweeps/{sweep_id}").json()
    assert [sweep["state"], *(job["state"] for job in sweep["jobs"])] == ["cancelled"] * 3


def test_an_admin_sees_another_owners_sweeps_and_a_reader_cancels_none(client_of: ClientOf) -> None:
    theirs = submitted(client_of("eve"), vary={"sparsity": [0.4, 0.5]})
    admin = client_of()
    assert theirs not in admin.get("/sweeps").text
    assert theirs in admin.get("/sweeps?owner=eve").text
    assert admin.get(f"/sweeps/{theirs}?owner=eve").status_code == 200
    reader = client_of("eve", scopes_but("jobs:write"))
    assert "Cancel sweep" not in reader.get(f"/sweeps/{theirs}").text
    assert reader.post(f"/sweeps/{theirs}/cancel", headers=ORIGIN).status_code == 403


def test_the_stream_of_a_sweep_sends_its_fragments_and_its_end(
    client: TestClient, runner: SweepRunner
) -> None:
    sweep_id = submitted(client, vary={"sparsity": [0.4, 0.5]})
    runner.run(sweep_id, client)
    text = client.get(f"/sweeps/{sweep_id}/stream").text
    assert re.findall(r"^event: (\w+)$", text, re.MULTILINE) == ["overview", "body", "end"]
    assert "2 of 2" in text


def test_a_missed_bound_is_a_lower_bound_of_the_perplexity(client: TestClient, runner: SweepRunner) -> None:
    sweep_id = submitted(client, target={"max_perplexity": 21.0})
    runner.run(sweep_id, client)
    body = text_of(client.get(f"/sweeps/{sweep_id}").text)
    assert f"≥ {perplexity(0.5):.2f}" in body
    assert "Missed" in body
