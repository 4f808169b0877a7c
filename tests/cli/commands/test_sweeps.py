"""`pruneserve sweep` against a scripted server: what it asks for, and how it ends."""

import json
import threading
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from tests.scripted_server import Exchange, ScriptedServer, job_document, sweep_document

SWEEP = uuid4()


def pruneserve(server: ScriptedServer, *arguments: str) -> Result:
    place = {"PRUNESERVE_URL": server.url, "PRUNESERVE_API_KEY": "ps_test"}
    return CliRunner().invoke(app, ["sweep", *arguments], env=place)


def accept(server: ScriptedServer, document: dict[str, Any]) -> list[Any]:
    """Answer a submission with the document; what was sent."""
    sent: list[Any] = []

    def answer(exchange: Exchange) -> None:
        sent.append(exchange.received())
        exchange.json(document, 201)

    server.on("/v1/sweeps", answer)
    return sent


def test_values_are_sent_with_their_types(server: ScriptedServer) -> None:
    sent = accept(server, sweep_document(SWEEP, "running", job_document(uuid4(), "queued")))
    varied = ["--vary", "sparsity=30%,0.5", "--vary", "method=wanda,gblm"]
    done = pruneserve(server, "submit", "--model", "org/name", *varied)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.strip() == str(SWEEP)
    assert sent == [
        {
            "job": {"model": {"id": "org/name"}},
            "vary": {"sparsity": [0.3, 0.5], "method": ["wanda", "gblm"]},
        }
    ]


def test_structures_are_sent_as_objects_and_mask_nothing_by_themselves(server: ScriptedServer) -> None:
    sent = accept(server, sweep_document(SWEEP, "running", job_document(uuid4(), "queued")))
    cuts = ["--vary", 'structure={"kv_heads": 1, "mlp_channels": 0.25}', "--vary", "structure=null"]
    assert pruneserve(server, "submit", "--model", "org/name", *cuts).exit_code == 0
    masked = [*cuts, "--vary", "method=null,gblm", "--sparsity", "0.5"]
    assert pruneserve(server, "submit", "--model", "org/name", *masked).exit_code == 0
    structure = [{"kv_heads": 1, "mlp_channels": 0.25}, None]
    model = {"model": {"id": "org/name"}}
    assert sent == [
        {"job": model, "vary": {"structure": structure}},
        {"job": model | {"sparsity": 0.5}, "vary": {"structure": structure, "method": [None, "gblm"]}},
    ]


def test_the_line_of_a_job_that_has_ended_has_rounded_figures(server: ScriptedServer) -> None:
    search = {"met": None, "missed": None, "best_job": str(uuid4())}
    perplexity = {"dense": 17.5, "pruned": 48663.37801129717}
    ended = job_document(uuid4(), "succeeded", perplexity=perplexity)
    accept(server, sweep_document(SWEEP, "running", ended, search=search))
    document = sweep_document(SWEEP, "succeeded", ended, search=search)
    server.on(f"/v1/sweeps/{SWEEP}", lambda exchange: exchange.json(document))
    done = pruneserve(server, "search", "--model", "org/name", "--max-increase", "5%")
    assert "succeeded  17.50 → 48663.38 (" in done.stderr
    assert "48663.37" not in done.stdout + done.stderr


def test_each_job_of_a_sweep_says_how_it_prunes(server: ScriptedServer) -> None:
    masked = job_document(uuid4(), "succeeded", method="wanda", pattern="2:4")
    cut, both = (job_document(uuid4(), "failed", method=name, sparsity=0.0) for name in ("structure", "gblm"))
    structures = {cut["id"]: {"mlp_channels": 0.25, "multiple_of": 8}, both["id"]: {"kv_heads": 1}}
    ended = sweep_document(SWEEP, "failed", masked, cut, both, structures=structures)
    server.on("/v1/sweeps", lambda exchange: exchange.json({"items": [ended], "next": None}))
    server.on(f"/v1/sweeps/{SWEEP}", lambda exchange: exchange.json(ended))
    done = pruneserve(server, "wait", str(SWEEP))
    assert [line.rstrip() for line in done.stderr.splitlines()[:3]] == [
        "wanda, 2:4, sparsity 0.5  succeeded",
        "structure, mlp_channels 0.25  failed",
        "gblm, unstructured, sparsity 0, structure, kv_heads 1  failed",
    ]
    table = " ".join(done.stdout.split())
    assert "structure, mlp_channels 0.25 org/name" in table
    assert "gblm, kv_heads 1 unstructured 0 org/name" in table


def test_a_search_over_structure_masks_only_with_a_sparsity(server: ScriptedServer) -> None:
    search = {"met": None, "missed": None, "best_job": str(uuid4())}
    sent = accept(server, sweep_document(SWEEP, "running", search=search))
    server.on(
        f"/v1/sweeps/{SWEEP}",
        lambda exchange: exchange.json(sweep_document(SWEEP, "succeeded", search=search)),
    )
    fastest = ["search", "--model", "org/name", "--max-increase", "10%", "--over", "structure"]
    done = pruneserve(server, *fastest)
    assert done.exit_code == 0, done.stderr
    assert f"the best, job {search['best_job']}" in done.stdout
    assert pruneserve(server, *fastest, "--sparsity", "0.5").exit_code == 0
    target = {"max_perplexity_increase": 0.1, "over": "structure"}
    cut = {"model": {"id": "org/name"}}
    assert sent == [
        {"job": cut, "target": target},
        {"job": cut | {"method": {"name": "gblm"}, "sparsity": 0.5}, "target": target},
    ]


@pytest.mark.parametrize(
    "command",
    [
        ("search", "--max-bytes", "100MB", "--format", "gguf"),
        ("search", "--max-increase", "5%", "--over", "structure"),
        ("submit", "--vary", 'structure={"kv_heads": 1}'),
    ],
)
def test_a_method_that_would_mask_nothing_is_refused(
    server: ScriptedServer, command: tuple[str, ...]
) -> None:
    sent = accept(server, sweep_document(SWEEP, "failed"))
    done = pruneserve(server, *command, "--model", "org/name", "--method", "best")
    assert (done.exit_code, sent) == (2, [])
    assert "error: the method would mask nothing: give --sparsity or --pattern" in done.stderr


def test_a_search_has_no_bound_in_a_domain(server: ScriptedServer) -> None:
    sent = accept(server, sweep_document(SWEEP, "failed"))
    done = pruneserve(server, "search", "--model", "org/name", "--max-increase", "code=5%")
    assert (done.exit_code, sent) == (2, [])
    assert "code=5%" in done.stderr


@pytest.mark.parametrize("bounds", [[], ["--max-increase", "5%", "--max-bytes", "1MB", "--format", "gguf"]])
def test_a_search_has_one_bound(server: ScriptedServer, bounds: list[str]) -> None:
    sent = accept(server, sweep_document(SWEEP, "failed"))
    done = pruneserve(server, "search", "--model", "org/name", *bounds)
    assert (done.exit_code, sent) == (2, [])
    assert "error: give one bound: --max-increase or --max-bytes" in done.stderr


@pytest.mark.parametrize(("gate", "is_sent"), [(None, True), ("5%", False), ([0.05], False)])
def test_the_gate_of_a_searchs_recipe_is_an_object_or_none(
    server: ScriptedServer, tmp_path: Path, gate: object, is_sent: bool
) -> None:
    sent = accept(server, sweep_document(SWEEP, "failed"))
    (file := tmp_path / "recipe.json").write_text(json.dumps({"model": "org/name", "gate": gate}))
    done = pruneserve(server, "search", "--recipe", str(file), "--max-bytes", "1MB", "--format", "gguf")
    assert ([each["target"] for each in sent] == [{"max_bytes": 1_000_000, "format": "gguf"}]) is is_sent
    assert (done.exit_code == 2 and "the recipe's gate must be an object" in done.stderr) is not is_sent


def test_a_search_that_outlives_its_timeout_goes_on(server: ScriptedServer) -> None:
    search = {"met": None, "missed": None, "best_job": None}
    accept(server, sweep_document(SWEEP, "running", search=search))
    server.on(
        f"/v1/sweeps/{SWEEP}",
        lambda exchange: exchange.json(sweep_document(SWEEP, "running", search=search)),
    )
    done = pruneserve(server, "search", "--model", "org/name", "--max-increase", "5%", "--timeout", "1")
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (5, "error: timed out; the search goes on")


SEARCH = ("search", "--model", "org/name", "--max-increase", "5%")


@pytest.mark.parametrize("command", [SEARCH, ("submit", "--model", "org/name", "--vary", "sparsity=30%,0.5")])
def test_a_submission_outlives_a_restart_of_the_server(
    server: ScriptedServer, command: tuple[str, ...]
) -> None:
    document = sweep_document(SWEEP, "succeeded")

    def away(exchange: Exchange) -> None:
        accept(server, document)
        exchange.body(b"", 503)

    server.on("/v1/sweeps", away)
    server.on(f"/v1/sweeps/{SWEEP}", lambda exchange: exchange.json(document))
    done = pruneserve(server, *command)
    assert done.exit_code == 0, done.stderr
    assert "HTTP 503 without a problem document" in done.stderr
    assert "; retrying for up to 120 s\n" in done.stderr
    keys = [headers["Idempotency-Key"] for path, headers in server.requests if path == "/v1/sweeps"]
    assert (len(keys), len(set(keys))) == (2, 1)


def test_a_search_that_is_not_taken_within_its_timeout(server: ScriptedServer) -> None:
    server.on("/v1/sweeps", lambda exchange: exchange.body(b"", 503))
    done = pruneserve(server, *SEARCH, "--timeout", "1")
    assert (done.exit_code, "; retrying for up to 1 s\n" in done.stderr) == (6, True)


@pytest.mark.parametrize(
    ("silent", "given"), [("/v1/sweeps", ()), ("/v1/uploads", ("--calibration", "ours.txt"))]
)
def test_the_timeout_of_a_search_is_of_its_submission_as_well(
    server: ScriptedServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    silent: str,
    given: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ours.txt").write_text("our own text")
    over = threading.Event()
    server.on(silent, lambda _: over.wait(60))
    try:
        done = pruneserve(server, *SEARCH, *given, "--timeout", "1")
    finally:
        over.set()
    assert done.exit_code == 5
    assert "whether the search was submitted is not known" in done.stderr


def test_a_search_for_a_file_lists_the_files_and_names_the_best(server: ScriptedServer) -> None:
    dense, cut = str(uuid4()), str(uuid4())
    files = [
        {
            "job_id": dense,
            "name": "gguf:Q4_0",
            "bytes": 9e7,
            "kl": 0.08,
            "perplexity": 14.2,
            "on_front": True,
        },
        {"job_id": cut, "name": "gguf:Q8_0", "bytes": 95e6, "kl": 0.7, "perplexity": 29.0, "on_front": False},
    ]
    found = {"met": None, "missed": None, "best_job": dense, "best_file": "gguf:Q4_0", "files": files}
    sent = accept(server, sweep_document(SWEEP, "running"))
    document = sweep_document(SWEEP, "succeeded", search=found)
    server.on(f"/v1/sweeps/{SWEEP}", lambda exchange: exchange.json(document))
    search = ["search", "--model", "org/name", "--max-bytes", "100MB", "--format", "gguf"]
    done = pruneserve(server, *search, "--structure", "mlp_channels=25%")
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert f"gguf:Q4_0 90.0 MB 0.0800 14.20 yes {dense}" in lines
    assert f"gguf:Q8_0 95.0 MB 0.7000 29.00 {cut}" in lines
    assert lines[-1] == f"the best file, gguf:Q4_0, job {dense}"
    assert pruneserve(server, *search).exit_code == 0
    assert pruneserve(server, *search, "--sparsity", "0.5").exit_code == 0
    model, target = {"model": {"id": "org/name"}}, {"max_bytes": 100_000_000, "format": "gguf"}
    assert [one["target"] for one in sent] == [target] * 3
    assert [one["job"] for one in sent] == [
        model | {"structure": {"mlp_channels": 0.25}},
        model | {"method": {"name": "none"}},
        model | {"method": {"name": "gblm"}, "sparsity": 0.5},
    ]


@pytest.mark.parametrize(
    ("state", "error", "job_state", "code"),
    [
        ("succeeded", None, "succeeded", 0),
        ("failed", "no sparsity from 0.05 up meets the bound", "succeeded", 3),
        ("failed", "1 of 1 jobs failed", "failed", 1),
        ("cancelled", None, "cancelled", 4),
    ],
)
def test_a_search_exits_with_the_code_of_its_outcome(
    server: ScriptedServer, state: str, error: str | None, job_state: str, code: int
) -> None:
    job = job_document(uuid4(), job_state)
    found = {"met": 0.5, "missed": 0.51, "best_job": job["id"] if state == "succeeded" else None}
    sent = accept(
        server, sweep_document(SWEEP, "running", search={"met": None, "missed": None, "best_job": None})
    )
    ended = sweep_document(SWEEP, state, job, error=error, search=found)
    server.on(f"/v1/sweeps/{SWEEP}", lambda exchange: exchange.json(ended))
    done = pruneserve(server, "search", "--model", "org/name", "--max-increase", "5%", "--tolerance", "0.01")
    assert done.exit_code == code, done.stderr
    assert sent[0]["target"] == {"max_perplexity_increase": 0.05, "tolerance": 0.01}
    assert ("0.5, job " + job["id"] in done.stdout) == (state == "succeeded")
    assert (error or "") in done.stderr


@pytest.mark.parametrize(("states", "code"), [(("failed", "succeeded"), 3), (("failed", "failed"), 1)])
def test_a_search_for_a_file_has_found_nothing_although_a_job_of_it_has_failed(
    server: ScriptedServer, states: tuple[str, str], code: int
) -> None:
    jobs = [job_document(uuid4(), state) for state in states]
    asked = {"job": {}, "target": {"max_bytes": 5, "format": "gguf"}}
    ended = sweep_document(SWEEP, "failed", *jobs, error="nothing", search={}, request=asked)
    server.on("/v1/sweeps", lambda exchange: exchange.json({"items": [ended], "next": None}))
    server.on(f"/v1/sweeps/{SWEEP}", lambda exchange: exchange.json(ended))
    assert pruneserve(server, "wait", str(SWEEP)).exit_code == code
