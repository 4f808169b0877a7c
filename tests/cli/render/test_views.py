"""What the commands print of jobs."""

import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from rich.console import Console

from cli.render.views import EventPrinter, change, print_job, table_of_jobs
from pruneserve_client.models import Event, JobDetail, Perplexity
from tests.report_document import report_document
from tests.scripted_server import NOW, job_document

WAITING = {
    "reason": "hub",
    "position": None,
    "message": "the Hub did not deliver org/name (ConnectError)",
    "since": "2026-01-02T03:04:05Z",
    "tries": 7,
    "next_try_at": "2026-01-02T03:34:05Z",
}


SINCE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).astimezone()


ENDED = ("succeeded", "failed", "cancelled")


def shown(state: str, *, table: bool = False, **document: Any) -> str:
    """What is printed of one job, or of a table of it alone."""
    job = JobDetail.model_validate(job_document(uuid4(), state, **document))
    console = Console(file=(printed := io.StringIO()), width=300)
    if table:
        console.print(table_of_jobs([job]))
    else:
        print_job(console, job, "http://host")
    return printed.getvalue()


def test_a_job_that_waits_for_the_hub_shows_the_next_try() -> None:
    next_try = datetime.now(UTC) + timedelta(hours=1)
    waiting = WAITING | {"next_try_at": next_try.isoformat()}
    alone, in_a_table = (shown("queued", waiting=waiting, table=table) for table in (False, True))
    line = f"waiting for the Hub, next try at {next_try.astimezone():%H:%M:%S}"
    assert (alone.count(line), in_a_table.count(line)) == (1, 1)
    assert f"the Hub did not deliver org/name (ConnectError); 7 tries since {SINCE:%H:%M:%S}" in alone


def test_a_job_that_masks_nothing_shows_no_sparsity() -> None:
    without = shown("succeeded", method="norms", sparsity=0.0)
    in_a_table = shown("succeeded", table=True, method="norms", sparsity=0.0)
    assert re.search(r"^method +norms *$", without, re.MULTILINE)
    assert re.search(r"succeeded +norms +org/name", in_a_table)


def test_a_narrow_terminal_shows_whole_ids_and_states() -> None:
    """The ids of one minute begin alike; nothing else may be lost either."""
    model, perplexity = "HuggingFaceTB/SmolLM2-135M-Instruct", {"dense": 14.37, "pruned": 18.66}
    documents = [job_document(uuid4(), state, model=model, perplexity=perplexity) for state in ENDED]
    jobs = [JobDetail.model_validate(each) for each in documents]
    console = Console(file=(printed := io.StringIO()), width=80)
    console.print(table_of_jobs(jobs))
    lines = printed.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[:2] for line in lines if line[0] != " "][1:] == [
        [each["id"], each["state"]] for each in documents
    ]
    address = f"https://{'a' * 60}.example.org"
    print_job(console, jobs[0], address)
    assert f"{address}/jobs/{jobs[0].id}" in re.sub(r"\n? +", "", printed.getvalue())
    assert "…" not in printed.getvalue()


@pytest.mark.threat
def test_what_is_left_of_a_model_cannot_control_the_terminal() -> None:
    hostile = "20 blocks\n::error file=a::no\n##vso[task.setvariable variable=x]y\x1b]0;title\x07"
    sizes = {"parameters": 1, "dense_parameters": 2, "bytes": 1, "dense_bytes": 2}
    report = report_document(structure=sizes | {"units": [], "blocks": [], "block_share": 0.5})
    report["structure"]["left"] = hostile
    said = shown("succeeded", report=report)
    assert "1 of 2, 50.0% fewer: 20 blocks" in said
    assert not {"\x1b", "\x07"} & set(said)
    assert not [line for line in said.splitlines() if line.lstrip().startswith("::") or "##vso[" in line]


STORE = {"reason": "store", "message": "full"}
BROKER = {"reason": "broker", "message": "away", "tries": None, "next_try_at": None}


@pytest.mark.parametrize(
    ("changed", "table", "lines"),
    [
        ({}, True, ["(waiting for the Hub, tried again once a worker is free)"]),  # no time of the past
        (STORE, False, ["(waiting for the store, tried again once a worker is free)", "full; 7 tries since"]),
        (BROKER, False, [f"away; since {SINCE:%H:%M:%S}"]),
    ],
)
def test_a_job_shows_what_it_waits_for(changed: dict[str, Any], table: bool, lines: list[str]) -> None:
    said = shown("queued", waiting=WAITING | changed, table=table)
    assert [line for line in lines if line not in said] == []


def test_a_restart_shows_what_is_computed_again_and_why() -> None:
    console = Console(file=(printed := io.StringIO()), width=300)
    change = {"name": "device", "before": "cpu\x1b[31m", "now": "cuda:0 (NVIDIA H100)"}
    data = {"kind": "restart", "attempt": 2, "stages": ["prune"], "blocks": 1, "changes": [change]}
    EventPrinter(console).show(Event.model_validate({"id": 1, "at": NOW, "data": data}))
    assert "1 finished block is computed again (prune): device cpu" in printed.getvalue()
    assert "before, cuda:0 (NVIDIA H100) now" in printed.getvalue()
    assert "\x1b" not in printed.getvalue()


@pytest.mark.parametrize(("pruned", "grown"), [(386.63, "+0.0%"), (386.0, "-0.2%"), (464.0, "+20.0%")])
def test_a_change_that_rounds_to_nothing_has_no_minus(pruned: float, grown: str) -> None:
    assert change(Perplexity(dense=386.66, pruned=pruned)).endswith(f"({grown})")


@pytest.mark.parametrize(
    ("found", "written"),
    [
        (0.00051234, "max_kl failed: 0.0005123, limit 0.0005, margin -1.234e-05"),
        (0.25, "max_kl passed: 0.25, limit 0.5, margin +0.25"),
    ],
)
def test_a_gate_on_kl_shows_digits_that_tell_it_from_its_limit(found: float, written: str) -> None:
    limit = 0.0005 if found < 0.1 else 0.5
    state = "passed" if found <= limit else "failed"
    condition = {"name": "max_kl", "limit": limit, "measured": found, "margin": limit - found, "state": state}
    assert written in shown("succeeded", gate={"state": state, "conditions": [condition]})


def test_a_job_shows_its_queue_and_what_it_needs() -> None:
    needs = {"gpus": 0, "device_bytes": 62e9, "host_bytes": 4e9, "cpu_bytes": 5e9, "scratch_bytes": 3e12}
    needs["cpu_scratch_bytes"] = 4e12
    said = shown("queued", queue="gpu.80g", needs=needs | {"cpu_seconds": 1e6})
    assert "gpu.80g" in said
    assert "62.0 GB of GPU memory, 4.0 GB of host memory and 3.0 TB of disk" in said
    assert "3.0 TB of disk (without a GPU 5.0 GB and 4.0 TB)" in said
