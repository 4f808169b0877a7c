"""The form for a new job has every field of a request and is validated like one."""

import html
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import annotated_types
import pytest
import typer
from fastapi.testclient import TestClient
from pydantic import BaseModel
from sqlalchemy.orm import Session, sessionmaker

from api.page.submit.form import every_field, sections
from api.schemas.jobs.requests import JobRequest
from cli.options.job_option import KINDS
from cli.options.job_options import JOB_OPTIONS
from jobs.spec.gate import Gate
from jobs.tables import Job
from pruning.recipe import (
    METHODS,
    PRESETS,
    Calibration,
    DistilOptions,
    Evaluation,
    RecoveryOptions,
    RefitOptions,
    StructureOptions,
)
from tests.api.drive import SMALLEST, ClientOf, Jobs, scopes_but

KINDS_OF_QUANTITIES = ("number", "share", "size")
ORIGIN = {"Origin": "http://testserver"}
LEAST = {"model.id": "org/name", "sparsity": "0.5"}


def names() -> set[str]:
    return {
        field.name
        for method in METHODS
        for allocation in ("uniform", "owl", "gradient")
        for field in every_field({"method.name": method, "allocation.name": allocation})
    }


def test_only_shares_are_said_to_be_in_percent() -> None:
    hints = {field.name: field.hint for field in every_field({"allocation.name": "owl"})}
    in_percent = {name for name, hint in hints.items() if "in percent" in hint}
    assert {"sparsity", "structure.parameters", "target.lowest", "allocation.band"} <= in_percent


def varied(client: TestClient, **form: str) -> list[dict[str, Any]]:
    """The requests of the jobs that the form makes."""
    answer = client.post("/jobs/new", data={"model.id": "org/name"} | form, headers=ORIGIN)
    assert answer.status_code == 303, re.findall(r"<li>.*?</li>", answer.text)
    sweep = client.get(f"/v1{answer.headers['location']}").json()
    return [client.get(f"/v1/jobs/{job['id']}").json()["spec"] for job in sweep["jobs"]]


def test_a_preset_among_the_methods_to_try_has_its_own_allocation(client: TestClient) -> None:
    # As a browser sends it: a select has a value also where nobody has touched it.
    untouched = {"method.name": "gblm", "allocation.name": "uniform", "sparsity": "0.5"}
    found = varied(client, **untouched, **{"vary.method": "best, wanda"})
    alone = {"model": "org/name", "sparsity": 0.5}
    expected = [client.post("/v1/jobs", json=alone | {"method": name}).json() for name in ("best", "wanda")]
    assert found == [job["spec"] for job in expected]
    assert found[0]["allocation"]["name"] == "gradient"
    # Of plain methods, what the form says of the allocation goes to each.
    options = {"allocation.name": "owl", "allocation.band": "0.1"}
    for spec in varied(client, **untouched | options, **{"vary.method": "gblm, wanda"}):
        assert (spec["allocation"]["name"], spec["allocation"]["band"]) == ("owl", 0.1)


def test_cuts_to_try_are_those_of_rest(client: TestClient) -> None:
    cuts = "none, mlp_channels=25%, mlp_channels=0.2+kv_groups=1, blocks=2+multiple_of=64"
    found = varied(client, **{"method.name": "wanda", "sparsity": "0.5", "vary.structure": cuts})
    tried = [
        None,
        {"mlp_channels": 0.25},
        {"mlp_channels": 0.2, "kv_groups": 1},
        {"blocks": 2, "multiple_of": 64},
    ]
    job = {"model": "org/name", "method": "wanda", "sparsity": 0.5}
    sweep = client.post("/v1/sweeps", json={"job": job, "vary": {"structure": tried}}).json()
    expected = [client.get(f"/v1/jobs/{each['id']}").json()["spec"] for each in sweep["jobs"]]
    assert found == expected
    assert len(found) == 4


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"vary.structure": "mlp_channels=25%", "structure.kv_groups": "1"}, "structure"),
        ({"vary.structure": "none, channels=25%"}, "vary.structure"),
        ({"vary.structure": "none, nothing"}, "vary.structure"),
    ],
)
def test_a_cut_to_try_that_is_none_is_named(client: TestClient, form: dict[str, str], field: str) -> None:
    whole = {"model.id": "org/name", "method.name": "wanda", "sparsity": "0.5"} | form
    answer = client.post("/jobs/new", data=whole, headers=ORIGIN)
    assert answer.status_code == 422
    assert re.findall(r'<li><(?:a href="#[^"]+"|code)>([^<]+)<', answer.text)[0].startswith(field)


def test_a_form_that_neither_masks_nor_cuts_has_one_error(client: TestClient) -> None:
    typed = {"model.id": "org/name", "method.name": "none", "structure.multiple_of": ""}
    answer = client.post("/jobs/new", data=typed, headers=ORIGIN)
    assert answer.status_code == 422
    listed = re.findall(r'<li><a href="#([^"]+)">[^<]+</a> ([^<]+)</li>', answer.text)
    assert listed == [
        ("method.name", "masks nothing: choose a method, or say under Structure what to take out")
    ]


def test_the_form_has_every_field_of_a_request() -> None:
    shown = names()
    for name, of in {
        "calibration": Calibration,
        "evaluation": Evaluation,
        "gate": Gate,
        "refit": RefitOptions,
        "structure": StructureOptions,
        "recovery": RecoveryOptions,
        "recovery.distil": DistilOptions,
    }.items():
        for field in of.model_fields:
            assert f"{name}.{field}" in shown
    for method in METHODS.values():
        assert {f"method.{option}" for option in method.model_fields} <= shown
    tops = {name.partition(".")[0] for name in shown}
    assert JobRequest.model_fields.keys() <= tops


@pytest.mark.parametrize(("prefix", "of"), [("calibration", Calibration), ("evaluation", Evaluation)])
def test_bounds_and_defaults_are_those_of_the_request(prefix: str, of: type[BaseModel]) -> None:
    shown = {field.name: field for field in every_field({})}
    for name, info in of.model_fields.items():
        field = shown.get(f"{prefix}.{name}")
        if field is None or field.kind != "integer":
            continue
        limits = {type(limit): limit for limit in info.metadata}
        assert float(field.minimum) == limits[annotated_types.Ge].ge
        assert float(field.maximum) == limits[annotated_types.Le].le
        assert field.default == ("" if info.default is None else str(info.default))


def test_the_options_are_those_of_the_chosen_method(client: TestClient) -> None:
    for method, options in METHODS.items():
        page = client.get("/jobs/new", params={"method.name": method, "model.id": "org/kept"}).text
        shown = set(re.findall(r'name="method\.(\w+)"', page))
        assert shown == set(options.model_fields)
        assert f"<option selected>{method}</option>" in page
        assert 'value="org/kept"' in page
        says_gradients = "Computes gradients first" in page.partition('id="hint-method.name"')[2][:300]
        assert says_gradients is ("gradient_norms" in options.needs)


def test_the_form_makes_the_job_that_the_same_request_makes(
    client: TestClient, database: sessionmaker[Session]
) -> None:
    answer = client.post("/jobs/new", data=LEAST | {"labels": "team=search, run=7"}, headers=ORIGIN)
    assert answer.status_code == 303
    by_form = client.get(f"/v1{answer.headers['Location']}").json()
    by_request = client.post("/v1/jobs", json=SMALLEST | {"labels": {"team": "search", "run": "7"}}).json()
    assert (by_form["spec"], by_form["labels"]) == (by_request["spec"], by_request["labels"])


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_on_the_form_makes_the_job_that_the_same_request_makes(
    client: TestClient, preset: str
) -> None:
    page = client.get("/jobs/new", params={"method.name": preset}).text
    assert html.escape(PRESETS[preset].about) in page
    decided = {name for name in shown_in(page) if name.partition(".")[0] in PRESETS[preset].decides}
    assert decided == set(PRESETS[preset].adjustable)
    # What was chosen for another method before, and is no longer shown, is not sent along.
    data = LEAST | {"method.name": preset, "allocation.name": "owl", "order": "layers"}
    answer = client.post("/jobs/new", data=data, headers=ORIGIN)
    assert answer.status_code == 303, answer.text
    by_form = client.get(f"/v1{answer.headers['Location']}").json()
    by_request = client.post("/v1/jobs", json=SMALLEST | {"method": preset}).json()
    assert by_form["spec"] == by_request["spec"]
    assert by_form["spec"]["method"]["name"] != preset


def shown_in(page: str) -> set[str]:
    return set(re.findall(r'<(?:input|select)[^>]* name="([^"]+)"', page))


ASKED: list[dict[str, Any]] = [
    SMALLEST,
    SMALLEST | {"calibration": {"datasets": [{"dataset": "c4", "weight": 2.5}, {"dataset": "builtin"}]}},
    {
        "model": {"id": "org/name", "revision": "v1"},
        "method": {"name": "sparsegpt", "columns": 64},
        "pattern": "2:4",
    },
    SMALLEST | {"allocation": {"name": "owl", "band": 0.1}, "layers": {"include": ["*.mlp.*", "*.attn.*"]}},
    SMALLEST | {"method": {"name": "gblm", "inverse": True, "alpha": 0.5}, "refit": {"iterations": 3}},
    SMALLEST | {"refit": True, "dtype": "bfloat16", "order": "layers", "save_masks": True},
    SMALLEST | {"recovery": {"distil": True}},
    SMALLEST | {"method": "recovered"},
    SMALLEST | {"recovery": {"distil": {"tokens": 2048, "dataset": "builtin", "moments": "8-bit"}}},
    SMALLEST
    | {
        "calibration": {"samples": 8, "seed": 7},
        "evaluation": {"dataset": "c4", "sequence_length": 64, "tasks": ["piqa", "boolq"]},
        "gate": {"max_perplexity": 9.0, "min_zero_shot": {"piqa": 0.7}},
        "labels": {"team": "search"},
    },
    {"model": "org/name", "structure": {"mlp_channels": 0.25, "kv_groups": 1}},
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
    typed = dict(re.findall(r'<input id="[^"]+" name="([^"]+)" value="([^"]+)"', page))
    typed |= dict(re.findall(r'name="([^"]+)" value="(true)"[^>]* checked', page))
    for name, options in re.findall(r'<select id="[^"]+" name="([^"]+)".*?>(.*?)</select>', page, re.DOTALL):
        empty, chosen = re.findall(r"<option( value=\"\")? selected>([^<]+)", options)[0]
        typed |= {name: "" if empty else chosen}
    typed = {name: html.unescape(value) for name, value in typed.items()}
    answer = client.post("/jobs/new", data=typed, headers=ORIGIN)
    assert answer.status_code == 303, answer.text
    second = client.get(f"/v1{answer.headers['Location']}").json()
    assert second["id"] != first["id"]
    assert (second["spec"], second["labels"]) == (first["spec"], first["labels"])


@pytest.mark.parametrize(
    ("typed", "field", "message"),
    [
        ({"sparsity": "1"}, "sparsity", "Must be less than 1"),
        ({"sparsity": "150%"}, "sparsity", "Must be less than 1"),
        ({"sparsity": "2"}, "sparsity", "write 2% or 0.02, or else 200%"),
        ({"sparsity": "half"}, "sparsity", "Write a share like 5% or 0.05, not 'half'"),
        ({"gate.max_perplexity_increase": "5"}, "gate.max_perplexity_increase", "write 5% or 0.05"),
        ({"gate.min_zero_shot": "piqa=60"}, "gate.min_zero_shot", "write 60% or 0.6"),
        ({"gate.max_bytes": "200 parsecs"}, "gate.max_bytes", "Write a size like 1GB, 500MB"),
        ({"gate.min_speedup": "30%"}, "gate.min_speedup", "Write a finite number, not '30%'"),
        (
            {"sparsity": "", "target.max_perplexity_increase": "10"},
            "target.max_perplexity_increase",
            "write 10% or 0.1",
        ),
        ({"target.lowest": "30"}, "target.lowest", "write 30% or 0.3"),
        ({"sparsity": "", "vary.sparsity": "30%, 50"}, "vary.sparsity", "write 50% or 0.5"),
        ({"sparsity": ""}, "sparsity", "Is required unless"),
        ({"model.id": ""}, "model.id", "Is required"),
        ({"model.id": "/etc/passwd"}, "model.id", "Must lie under an allowed root"),
        ({"method.name": "magic"}, "method.name", "Must be one of"),
        ({"method.alpha": "-1"}, "method.alpha", "Must be greater than"),
        ({"calibration.samples": "9" * 300}, "calibration.samples", "Must be less than or equal to 65536"),
        ({"calibration.datasets": "c4=2, builtin=x"}, "calibration.datasets", "Write a finite number"),
        ({"calibration.datasets": "c4=0"}, "calibration.datasets", "Must be greater than 0"),
        (
            {"calibration.dataset": "c4", "calibration.datasets": "builtin"},
            "calibration.datasets",
            "Takes the place of dataset",
        ),
        ({"evaluation.tasks": "piqa, ../x"}, "evaluation.tasks", "Must be a task's name"),
        ({"gate.min_zero_shot": "piqa=0.5"}, "gate.min_zero_shot", ""),
        ({"labels": "=x"}, "labels", ""),
    ],
)
def test_an_invalid_form_is_shown_again_with_errors_next_to_its_fields(
    client: TestClient, database: sessionmaker[Session], typed: dict[str, str], field: str, message: str
) -> None:
    hostile = 'name="><script>alert(1)</script>'
    answer = client.post("/jobs/new", data=LEAST | {"labels": hostile} | typed, headers=ORIGIN)
    assert answer.status_code == 422
    hint = re.findall(rf'id="hint-{re.escape(field)}">(.*?)</p>', answer.text)
    assert hint
    assert message in html.unescape(hint[0])
    assert "labels" in typed or "name=&#34;&gt;&lt;script&gt;alert(1)" in answer.text
    assert "<script>alert" not in answer.text
    with database.begin() as session:
        assert session.query(Job).count() == 0


def of_command_line(parser: Callable[[str], object], text: str) -> tuple[object, str]:
    """The value that an option has for a text, or the text with why it is refused."""
    try:
        return parser(text), ""
    except typer.BadParameter as refused:
        return text, refused.message


def test_shares_and_sizes_are_what_the_command_line_makes_of_the_same_texts(client: TestClient) -> None:
    by_field = {option.field: option for option in JOB_OPTIONS}
    read = {field.name: field for field in every_field({})}
    texts = ("5", "5%", "0.05", "33.3%", "1", "500%", "nan", "much", "200MB", "1.5 GB", "1e9", "30%x", "-3")
    shared = [name for name in read if name in by_field and by_field[name].kind in KINDS_OF_QUANTITIES]
    assert {"sparsity", "gate.max_perplexity_increase", "gate.max_bytes", "gate.min_speedup"} <= set(shared)
    for name in shared:
        parser = KINDS[by_field[name].kind].parser
        assert parser
        for text in texts:
            assert (read[name].parsed(text), read[name].refusal(text)) == of_command_line(parser, text), name
    gate = {
        "gate.max_perplexity_increase": "500%",
        "gate.max_bytes": "200MB",
        "gate.min_zero_shot": "piqa=60%",
    }
    typed = LEAST | gate | {"evaluation.tasks": "piqa", "placement": "host_memory_bytes=24GB"}
    made = client.post("/jobs/new", data=typed, headers=ORIGIN)
    assert made.status_code == 303, made.text
    job = client.get(f"/v1{made.headers['Location']}").json()["spec"]
    assert {name: value for name, value in job["gate"].items() if value} == {
        "max_perplexity_increase": 5.0,
        "max_bytes": 200_000_000,
        "min_zero_shot": {"piqa": 0.6},
    }
    # Shown again, it is the text that was typed, and not a 5.0 that would be refused.
    like = client.get(f"/jobs/new?like={made.headers['Location'].rpartition('/')[2]}").text
    assert 'name="gate.max_perplexity_increase" value="500%"' in like


def test_all_wrong_fields_are_named_at_once_the_model_too(client: TestClient) -> None:
    wrong = LEAST | {"model.id": "/etc/passwd", "sparsity": "1.5", "calibration.samples": "0"}
    answer = client.post("/jobs/new", data=wrong, headers=ORIGIN)
    assert answer.status_code == 422
    listed = re.findall(r'<li><a href="#([^"]+)">', answer.text)
    assert listed == ["model.id", "sparsity", "calibration.samples"]


def test_the_list_of_wrong_fields_says_what_was_typed_once(client: TestClient) -> None:
    wrong = LEAST | {"model.id": "/etc/passwd", "sparsity": "1.5", "calibration.samples": "0"}
    answer = client.post("/jobs/new", data=wrong, headers=ORIGIN)
    listed = [
        html.unescape(text) for text in re.findall(r"<li><a href=[^>]+>[^<]+</a> (.*?)</li>", answer.text)
    ]
    assert listed[0].endswith('; got "/etc/passwd"')
    assert listed[1:] == [
        "'1.5' may mean two things: write 1.5% or 0.015, or else 150%",
        "must be greater than or equal to 1; got 0",
    ]
    # Beside a field stands what was typed.
    assert "got" not in "".join(re.findall(r'id="hint-calibration.samples">(.*?)</p>', answer.text))
    shown = client.post("/jobs/new/estimate", data=LEAST | {"calibration.samples": "0"}, headers=ORIGIN)
    assert "calibration.samples must be greater than or equal to 1; got 0." in shown.text


def test_help_names_other_fields_by_their_labels_and_folded_sections_say_their_defaults() -> None:
    paths = {field.name for field in every_field({}) if "." in field.name}
    said = " ".join(field.description for field in every_field({}))
    assert [path for path in paths if path in said] == []
    assert "perplexity on Evaluation: Dataset, at most" in said
    about = {section.title: section.about for section in sections({})}
    assert f"{Calibration().dataset} and {Calibration().samples} windows" in about["Calibration"]
    assert str(Evaluation().dataset) in about["Evaluation"]
    assert all(section.folded for section in sections({}) if section.title not in ("Model", "Method"))


def test_the_same_form_sent_twice_makes_one_job_and_a_changed_one_another(client: TestClient) -> None:
    sent = [LEAST | {"once": "x"}, LEAST | {"once": "x"}, LEAST | {"once": "x", "sparsity": "0.6"}]
    made = [client.post("/jobs/new", data=data, headers=ORIGIN).headers["Location"] for data in sent]
    assert len(set(made)) == 2
    assert made[0] == made[1]
    assert UUID(made[0].rpartition("/")[2])


def test_the_form_needs_the_write_scope_and_can_start_from_an_own_job(
    client_of: ClientOf, jobs: Jobs
) -> None:
    theirs = jobs.queued("eve")
    assert client_of(scopes=scopes_but("jobs:write")).get("/jobs/new").status_code == 403
    client = client_of(scopes=scopes_but("admin"))
    assert client.get(f"/jobs/new?like={theirs}").status_code == 404
    assert client.post("/jobs/new", data=LEAST, headers={"Origin": "http://evil.example"}).status_code == 403


@pytest.mark.threat
def test_a_key_that_may_only_submit_is_shown_no_models_and_uploads(client_of: ClientOf) -> None:
    ordinary = client_of("ada", ["jobs:read", "jobs:write"])
    assert ordinary.post("/v1/jobs", json=SMALLEST | {"model": "org/secret"}).status_code == 201
    wrong = {"model.id": "org/name", "sparsity": "7"}
    answers = [
        key.post("/jobs/new", data=wrong, headers=ORIGIN)
        for key in (ordinary, client_of("ada", ["jobs:write"]))
    ]
    assert [(answer.status_code, "org/secret" in answer.text) for answer in answers] == [
        (422, True),
        (403, False),
    ]


def test_the_tokens_of_a_grade_that_trains_can_be_typed(client: TestClient) -> None:
    of_training = {name for name in names_of("recovered") if name.startswith("recovery.")}
    assert of_training == {"recovery.distil.tokens"}
    assert not {name for name in names_of("fast") if name.startswith("recovery.")}
    typed = LEAST | {"method.name": "recovered", "calibration.dataset": "builtin"}
    refused = client.post("/jobs/new", data=typed, headers=ORIGIN)
    (hint,) = re.findall(r'id="hint-recovery.distil.tokens">(.*?)</p>', refused.text)
    assert "Must be at most 6144" in hint
    made = client.post("/jobs/new", data=typed | {"recovery.distil.tokens": "6144"}, headers=ORIGIN)
    assert made.status_code == 303, made.text


def names_of(method: str) -> list[str]:
    return [field.name for field in every_field({"method.name": method})]
