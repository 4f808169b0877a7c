"""The form for a new job: its messages, and its requests, compared with those that REST takes."""

import html
import json
import re
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from api.page.submit.form import ADVANCED, GOALS, form_values, parse_form
from api.page.submit.resubmit import request_body
from api.schemas.job_requests import JobRequest
from jobs.database import Database
from jobs.lifecycle import lifecycle
from jobs.lifecycle.events import JobError
from jobs.states import Cause
from jobs.tables import Job
from pruning.recipe import Calibration, Evaluation
from tests.api.drive import ORIGIN, SMALLEST, ClientOf, Jobs, scopes_but

MODEL = {"model.id": "org/name"}
SHORT = {
    "calibration": {"dataset": "builtin", "samples": 16, "sequence_length": 512},
    "evaluation": {"dataset": "builtin", "windows": 16, "sequence_length": 512},
}
LEAST = MODEL | {"goal": "zeros", "amount": "50%"}
SMALLER = MODEL | {"goal": "smaller", "amount": "25%"}
BEST, WANDA = SMALLEST | {"method": "best"}, SMALLEST | {"method": "wanda"}
DENSE = {"model": "org/name", "method": "none"}


def send(client: TestClient, typed: dict[str, str]) -> Any:
    """Submit the form. Returns what REST says of the job or sweep."""
    answer = client.post("/jobs/new", data=typed, headers=ORIGIN)
    assert answer.status_code == 303, messages(answer.text)
    return client.get(f"/v1{answer.headers['Location']}").json()


def messages(page: str) -> dict[str, str]:
    """The message at each field of a form that is refused."""
    found = re.findall(r'id="hint-([^"]+)"><strong class="missed">(.*?)</strong>', page)
    return {path: html.unescape(message) for path, message in found}


def typed_in(page: str) -> dict[str, str]:
    """What a browser sends of a form as it is shown."""
    typed = dict(re.findall(r'<input[^>]* name="([^"]+)" value="([^"]+)"', page))
    typed |= dict(re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>(.+?)</textarea>', page, re.DOTALL))
    for name, options in re.findall(r'<select[^>]* name="([^"]+)".*?>(.*?)</select>', page, re.DOTALL):
        for value, text in re.findall(r'<option(?: value="([^"]*)")? selected>([^<]+)', options):
            typed[name] = value or text
    unchecked = set(re.findall(r'type="checkbox" id="([^"]+)"(?![^>]* checked)', page))
    return {name: html.unescape(value) for name, value in typed.items() if name not in unchecked}


def test_the_form_has_four_fields_and_at_most_twenty_under_advanced(client: TestClient) -> None:
    page = client.get("/jobs/new").text
    plain, _, advanced = page.partition('id="advanced"')
    names = r'<(?:input|select|textarea) [^>]*name="([^"]+)"'
    assert re.findall(names, plain)[1:] == ["model.id", "goal", "amount", "calibration.dataset"]
    assert re.findall(names, advanced) == [field.path for field in ADVANCED]
    assert len(ADVANCED) <= 20
    for path, default in {
        "calibration.dataset": Calibration().dataset,
        "calibration.samples": Calibration().samples,
        "evaluation.dataset": Evaluation().dataset,
    }.items():
        assert re.search(rf'name="{path}"[^>]*placeholder="{default}"', page), path


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        (LEAST | {"amount": "0.333"}, BEST | {"sparsity": 0.333}),
        (
            LEAST | {"calibration.dataset": "builtin", "labels": "team=search, run=7", "priority": "-3"},
            BEST | SHORT | {"labels": {"team": "search", "run": "7"}, "priority": -3},
        ),
        (
            LEAST
            | {"calibration.dataset": "builtin", "calibration.samples": "8", "evaluation.dataset": "c4"},
            BEST | {"calibration": SHORT["calibration"] | {"samples": 8}, "evaluation": {"dataset": "c4"}},
        ),
        (MODEL | {"pattern": "2:4"}, {"model": "org/name", "method": "best", "pattern": "2:4"}),
        (
            LEAST | {"method.name": "gblm", "method.norm": "l2", "allocation.name": "owl"},
            SMALLEST | {"method": {"name": "gblm", "norm": "l2"}, "allocation": {"name": "owl"}},
        ),
        (
            MODEL
            | {"method.name": "none", "exports": "gguf:Q8_0, compressed-tensors:w4a16"}
            | {"gate.export": "gguf:Q8_0", "gate.max_perplexity_increase": "5%"},
            DENSE
            | {"exports": ["gguf:Q8_0", "compressed-tensors:w4a16"]}
            | {"gate": {"export": "gguf:Q8_0", "max_perplexity_increase": 0.05}},
        ),
        (SMALLER | {"method.name": "none"}, DENSE | {"structure": {"parameters": 0.25}}),
        # A cut needs nothing but its goal.
        (SMALLER, {"model": "org/name", "structure": {"parameters": 0.25}}),
        (
            MODEL
            | {"goal": "smaller", "structure.mlp_channels": "25%", "structure.kv_heads": "1", "name": "x"},
            {"model": "org/name", "structure": {"mlp_channels": 0.25, "kv_heads": 1}, "name": "x"},
        ),
        (
            LEAST | {"method.name": "wanda", "structure.mlp_channels": "384"},
            WANDA | {"structure": {"mlp_channels": 384}},
        ),
        (
            MODEL | {"goal": "quick", "amount": "50%"},
            WANDA | SHORT | {"evaluation": SHORT["evaluation"] | {"speed": "off"}},
        ),
        (
            LEAST | {"method.name": "wanda", "recipe": '{"model": {"revision": "v1"}, "dtype": "bfloat16"}'},
            WANDA | {"model": {"id": "org/name", "revision": "v1"}, "dtype": "bfloat16"},
        ),
    ],
)
def test_the_form_makes_the_job_that_the_same_request_makes(
    client: TestClient, typed: dict[str, str], asked: dict[str, Any]
) -> None:
    by_form, by_request = send(client, typed), client.post("/v1/jobs", json=asked).json()
    assert (by_form["spec"], by_form["labels"]) == (by_request["spec"], by_request["labels"])


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        (
            {"recipe": '{"job": {"method": "wanda"}, "vary": {"sparsity": [0.3, 0.5]}}', "name": "two"},
            {
                "job": {"model": "org/name", "method": "wanda", "name": "two"},
                "vary": {"sparsity": [0.3, 0.5]},
            },
        ),
        (
            {"recipe": '{"job": {"method": "gblm"}, "target": {"max_perplexity_increase": 0.05}}'},
            {"job": {"model": "org/name", "method": "gblm"}, "target": {"max_perplexity_increase": 0.05}},
        ),
    ],
)
def test_a_recipe_of_several_jobs_makes_the_sweep_of_its_request(
    client: TestClient, typed: dict[str, str], asked: dict[str, Any]
) -> None:
    by_form, by_request = send(client, MODEL | typed), client.post("/v1/sweeps", json=asked).json()

    def made(sweep: dict[str, Any]) -> list[Any]:
        return [client.get(f"/v1/jobs/{job['id']}").json()["spec"] for job in sweep["jobs"]]

    assert made(by_form) == made(by_request)
    assert by_form["request"].get("target") == by_request["request"].get("target")


def test_a_size_makes_a_search_for_the_best_file_of_that_size() -> None:
    request = parse_form(MODEL | {"goal": "smaller", "amount": "200 MB"})
    assert request.model_dump(include={"job", "target"}) == {
        "job": {"model": {"id": "org/name"}},
        "target": {**request.model_dump()["target"], "max_bytes": 200_000_000, "format": "gguf"},
    }


ASKED: list[dict[str, Any]] = [
    SMALLEST,
    BEST,
    SMALLEST | {"method": "recovered", "calibration": {"samples": 64}},
    SMALLEST | {"calibration": {"datasets": [{"dataset": "c4", "weight": 2.5}, {"dataset": "builtin"}]}},
    {"model": {"id": "org/name", "revision": "v1"}, "method": {"name": "admm", "ridge": 2.5}}
    | {"pattern": "2:4"},
    SMALLEST | {"allocation": {"name": "owl", "band": 0.1}, "layers": {"include": ["*.mlp.*", "*.attn.*"]}},
    SMALLEST | {"method": {"name": "gblm", "inverse": True, "alpha": 0.5}, "refit": {"iterations": 3}},
    SMALLEST | {"refit": True, "dtype": "bfloat16", "order": "layers", "save_masks": True},
    {"model": "org/name", "norms": ["l1"]},
    {"model": "org/name", "norms": ["l1"], "calibration": {"dataset": "builtin"}},
    SMALLEST | {"calibration": {"dataset": "builtin"}},
    SMALLEST | {"calibration": {"dataset": "builtin"}, "evaluation": {"dataset": "builtin"}},
    DENSE
    | {"gate": {"export": "gguf:Q4_0", "max_bytes": 9}, "exports": ["gguf:Q4_0", "compressed-tensors:fp8"]},
    SMALLEST
    | {"exports": ["gguf:F16", {"format": "compressed-tensors", "scheme": "w4a16", "group_size": 128}]},
    SMALLEST
    | {
        "calibration": {"samples": 8, "seed": 7},
        "evaluation": {"dataset": "c4", "sequence_length": 64, "tasks": ["piqa", "boolq"]},
        "gate": {"max_perplexity": 9.0, "max_kl": 0.1, "min_score": {"piqa": 0.7}},
        "labels": {"its": "'$(touch x), =`y`\\"},
    },
    {"model": "org/name", "structure": {"mlp_channels": 0.25, "kv_heads": 1}},
    {"model": "org/name", "structure": {"parameters": 0.3, "multiple_of": 8}},
    {
        "model": "org/name",
        "structure": {"parameters": 0.3, "multiple_of": 8},
        "method": "wanda",
        "pattern": "2:4",
    },
]


@pytest.mark.parametrize("asked", ASKED)
def test_a_job_like_another_is_the_same_until_something_is_changed(
    client: TestClient, asked: dict[str, Any]
) -> None:
    first = client.post("/v1/jobs", json=asked).json()
    page = client.get(f"/jobs/new?like={first['id']}").text
    second = send(client, typed_in(page))
    assert second["id"] != first["id"]
    # Without its labels, by which it would become a baseline.
    assert (second["spec"], second["labels"]) == (first["spec"] | {"labels": {}}, {})
    # What a job's page shows as its recipe makes the same job, too.
    shown = re.findall(
        r'aria-label="Recipe as JSON">(.*?)</pre>', client.get(f"/jobs/{first['id']}").text, re.DOTALL
    )
    again = client.post("/v1/jobs", json=json.loads(html.unescape(shown[0]))).json()
    assert (again["spec"], again["labels"]) == (first["spec"], first["labels"])


@pytest.mark.parametrize(
    "asked", [SMALLEST, BEST, SMALLEST | {"pattern": "2:4"}, DENSE | {"exports": ["gguf:Q8_0"]}]
)
def test_the_shortest_request_stays_short(asked: dict[str, Any]) -> None:
    assert request_body(JobRequest.model_validate(asked).spec(), {}) == asked


@pytest.mark.parametrize(
    ("typed", "field", "message"),
    [
        ({"amount": "100%"}, "amount", "Must be less than 1"),
        ({"amount": "5"}, "amount", "rite 5% or 0.05, not '5'"),
        ({"amount": "half"}, "amount", "Write a share like 5% or 0.05, not 'half'"),
        ({"amount": ""}, "amount", "Is required: write a share such as 50%"),
        ({"amount": "200MB"}, "amount", "Zeros make no file smaller"),
        ({"goal": "smaller", "amount": ""}, "amount", "write a share such as 25%, or a size such as 200MB"),
        ({"goal": "smaller", "structure.mlp_channels": "25%"}, "amount", "Parameters divides itself among"),
        ({"goal": "smaller", "method.name": "wanda"}, "method.name", "Puts zeros into the model"),
        ({"goal": "best"}, "goal", "Must be one of zeros, smaller, quick"),
        ({"allocation.name": "owl"}, "goal", "The preset 'best' decides allocation"),
        ({"model.id": ""}, "model.id", "Is required"),
        ({"model.id": "/etc/passwd"}, "model.id", "Must lie under an allowed root"),
        ({"method.name": "magic"}, "method.name", "Must be one of"),
        ({"method.norm": "l2"}, "method.norm", "Needs a method: choose gblm or gradient"),
        ({"method.name": "wanda", "method.norm": "l2"}, "method.norm", ""),
        ({"calibration.dataset": "/etc/text.txt"}, "calibration.dataset", "Must lie under an allowed root"),
        ({"calibration.samples": "9" * 300}, "calibration.samples", "Must be less than or equal to 65536"),
        ({"calibration.samples": "many"}, "calibration.samples", "Write a whole number, not 'many'"),
        ({"priority": "high"}, "priority", "Write a whole number, not 'high'"),
        (
            {"goal": "smaller", "structure.mlp_channels": "half"},
            "structure.mlp_channels",
            "Write a share such as 25%, or a whole number such as 512, not 'half'",
        ),
        ({"evaluation.tasks": "piqa, ../x"}, "evaluation.tasks", "Must be a task's name"),
        ({"gate.max_perplexity_increase": "5"}, "gate.max_perplexity_increase", "rite 5% or 0.05"),
        ({"gate.min_speedup": "30%"}, "gate.min_speedup", "Write a finite number, not '30%'"),
        ({"labels": "=x"}, "labels", 'Must be written name=value; got "=x"'),
        ({"labels": "a"}, "labels", 'Must be written name=value; got "a"'),
        ({"labels": "team=x, b"}, "labels", 'Must be written name=value; got "b"'),
        ({"recipe": '{"dtpye": "float32"}'}, "recipe", "is not a field of this request; did you mean dtype?"),
        ({"exports": "gguf:Q9"}, "exports", "Is not a GGUF type; use one of F16, BF16"),
        ({"exports": "Q8_0"}, "exports", "Must be a name such as gguf:Q8_0"),
        ({"method.name": "none"}, "amount", "name a method that prunes, or leave it out"),
        ({"gate.export": "gguf:F16"}, "gate.export", "Needs max_perplexity"),
        ({"gate.export": "gguf:F16", "gate.max_kl": "1"}, "gate.export", "must be one of the job's exports"),
        ({"recipe": "{"}, "recipe", "Is not JSON"),
        ({"recipe": "[]"}, "recipe", "Must be an object"),
        ({"recipe": '{"evaluation": 5}', "goal": "quick"}, "recipe", "Evaluation"),
        ({"recipe": '{"swaps": 0}'}, "recipe", "Swaps must be greater than or equal to 1"),
        (
            {"recipe": '{"job": {"method": "gblm"}, "vary": {"sparsity": [0.3, 2]}}', "amount": ""},
            "recipe",
            "Vary.sparsity.1",
        ),
    ],
)
def test_a_refused_form_keeps_what_was_typed_with_a_message_at_the_field(
    client: TestClient, database: Database, typed: dict[str, str], field: str, message: str
) -> None:
    hostile = 'name="><script>alert(1)</script>'
    whole = LEAST | {"labels": hostile} | typed
    answer = client.post("/jobs/new", data=whole, headers=ORIGIN)
    assert answer.status_code == 422
    found = messages(answer.text)
    assert message in found[field]
    banner = dict(re.findall(r'<li><a href="#([^"]+)">[^<]+</a>: (.*?)</li>', answer.text))
    assert message.lower() in html.unescape(banner[field]).lower()
    kept = {name: text for name, text in typed_in(answer.text).items() if name != "once"}
    chosen = ("goal", "method.name")  # a select keeps what it offers
    assert {name: text for name, text in kept.items() if name not in chosen} == {
        name: text for name, text in whole.items() if text and name not in chosen
    }
    assert "<script>alert" not in answer.text
    assert all(re.search(r"[^.?][.?]$", text) for text in (found[field], banner[field]))
    with database.begin() as session:
        assert session.query(Job).count() == 0


@pytest.mark.threat
@pytest.mark.parametrize("depth", [300, 10_000])
def test_a_recipe_that_is_nested_too_deep_is_refused(client: TestClient, depth: int) -> None:
    nested = "[" * depth + "]" * depth if depth < 1000 else "[" * depth
    several = '{"job": {"method": "wanda"}, "vary": {"sparsity": [0.3, NESTED]}}'.replace("NESTED", nested)
    for recipe in (nested, several):
        answer = client.post("/jobs/new", data=MODEL | {"recipe": recipe}, headers=ORIGIN)
        assert answer.status_code == 422, recipe
        assert "recipe" in messages(answer.text)


def test_every_field_that_is_wrong_has_its_message(client: TestClient) -> None:
    wrong = {"model.id": "/etc/passwd", "amount": "150%", "calibration.samples": "0", "priority": "no"}
    answer = client.post("/jobs/new", data=wrong, headers=ORIGIN)
    assert messages(answer.text).keys() == wrong.keys()
    shown = client.post("/jobs/new/estimate", data=LEAST | {"calibration.samples": "0"}, headers=ORIGIN)
    assert "Windows: must be greater than or equal to 1" in shown.text


def test_the_same_form_sent_twice_makes_one_job_and_a_changed_one_another(client: TestClient) -> None:
    several = '{"job": {"method": "wanda"}, "vary": {"sparsity": [0.3, 0.5]}}'
    for typed in (LEAST, MODEL | {"recipe": several}):
        sent = [typed | {"once": "x"}, typed | {"once": "x"}, typed | {"once": "x", "name": "other"}]
        made = [client.post("/jobs/new", data=data, headers=ORIGIN).headers["Location"] for data in sent]
        assert len(set(made)) == 2
        assert made[0] == made[1]
        assert UUID(made[0].rpartition("/")[2])
    odd = client.post("/jobs/new", data=LEAST | {"once": "\0"}, headers=ORIGIN)
    assert odd.status_code == 303


@pytest.mark.parametrize(
    ("cause", "field", "offered"),
    [
        (Cause.REQUEST, "calibration.dataset", True),
        (Cause.REQUEST, None, True),
        (Cause.OUTSIDE, "calibration.dataset", False),
        (Cause.WORKER, None, False),
        (None, None, False),
    ],
)
def test_a_job_that_its_request_made_fail_is_changed_and_any_other_retried(
    client: TestClient, jobs: Jobs, cause: Cause | None, field: str | None, offered: bool
) -> None:
    claim = jobs.running(calibration={"samples": 7})
    error = JobError(type="invalid_input", message="holds <too> little text", field=field, cause=cause)
    with jobs.database.begin() as session:
        assert lifecycle.fail(session, claim, error)
    page = client.get(f"/jobs/{claim.job_id}").text
    change = re.search(r'id="change" href="([^"]+)"', page)
    assert (change is not None, f'action="/jobs/{claim.job_id}/retry"' in page) == (offered, not offered)
    if change is not None:
        form = client.get(html.unescape(change[1]))
        assert form.status_code == 200
        assert typed_in(form.text)["calibration.samples"] == "7"
        assert messages(form.text) == ({field: "Holds <too> little text."} if field else {})


def test_the_form_needs_the_write_scope_and_can_start_from_an_own_job(
    client_of: ClientOf, jobs: Jobs
) -> None:
    theirs = jobs.queued("eve")
    assert client_of(scopes=scopes_but("jobs:write")).get("/jobs/new").status_code == 403
    client = client_of(scopes=scopes_but("admin"))
    assert client.get(f"/jobs/new?like={theirs}").status_code == 404
    assert client.post("/jobs/new", data=LEAST, headers={"Origin": "http://evil.example"}).status_code == 403


def test_uploads_and_earlier_models_are_offered(client_of: ClientOf) -> None:
    client = client_of(scopes=scopes_but("admin"))
    text = {"Content-Type": "text/plain"}
    mine = client.post("/v1/uploads?name=mine", content=b"x" * 2500, headers=text).json()["id"]
    client_of("eve").post("/v1/uploads?name=theirs", content=b"y" * 100, headers=text)
    client.post("/v1/jobs", json=SMALLEST | {"model": "org/before"})
    page = client.get("/jobs/new").text
    offered = re.findall(r'<option value="upload:([^"]+)">([^<]+)<', page)
    assert offered == [(mine, "your upload mine, 2.5 kB")]
    assert '<option value="org/before">' in page


@pytest.mark.threat
def test_a_key_that_may_only_submit_is_shown_no_models_and_uploads(client_of: ClientOf) -> None:
    ordinary = client_of("ada", ["jobs:read", "jobs:write"])
    assert ordinary.post("/v1/jobs", json=SMALLEST | {"model": "org/secret"}).status_code == 201
    wrong = LEAST | {"amount": "7"}
    answers = [
        key.post("/jobs/new", data=wrong, headers=ORIGIN)
        for key in (ordinary, client_of("ada", ["jobs:write"]))
    ]
    assert [(answer.status_code, "org/secret" in answer.text) for answer in answers] == [
        (422, True),
        (403, False),
    ]


def test_the_form_shows_that_the_queue_is_full(client: TestClient) -> None:
    state = client.app.state  # type: ignore[attr-defined]
    full = state.resources.settings.model_copy(update={"max_queued_jobs": 0})
    state.resources = replace(state.resources, settings=full)
    typed = LEAST | {"name": "kept"}
    answer = client.post("/jobs/new", data=typed, headers=ORIGIN)
    assert answer.status_code == 429
    assert 'role="alert"' in answer.text
    assert typed_in(answer.text)["name"] == "kept"


def test_every_goal_has_words_and_is_typed_again() -> None:
    for goal in GOALS:
        request = parse_form(MODEL | {"goal": goal, "amount": "30%"})
        assert isinstance(request, JobRequest)
        typed = form_values(request_body(request.spec(), {}))
        assert (typed["goal"] == "smaller") is (goal == "smaller")
        assert typed["amount"] == "30%"
