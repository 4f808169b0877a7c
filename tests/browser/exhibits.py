"""Jobs in every state, with figures as a real model of 30 blocks would have them."""

import math
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from jobs.lifecycle import lifecycle, owner_moves
from jobs.lifecycle.events import StageFinished, StageStarted
from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.spec.job import JobSpec
from jobs.sweeps import sweeps
from jobs.sweeps.target import Target
from jobs.tables import Job, Upload, WebhookEndpoint
from jobs.webhooks import outbox
from pruning.recipe import Stage
from tests.api.drive import Jobs

_KINDS = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj")
_KINDS += ("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")


def report(sparsity: float, dense: float, pruned: float, *, spread: float = 0.0) -> dict[str, Any]:
    """A report whose layers differ by up to `spread` from the sparsity."""
    layers = []
    for block in range(30):
        for number, kind in enumerate(_KINDS):
            share = sparsity + spread * math.sin(block / 4 + number)
            zeros = round(589_824 * share)
            name = f"model.layers.{block}.{kind}"
            layers.append(
                {
                    "name": name,
                    "block": block,
                    "shape": [576, 1024],
                    "zeros": zeros,
                    "weights": 589_824,
                    "sparsity": zeros / 589_824,
                    "relative_error": share * (0.3 + 0.1 * math.cos(block / 9 + 2 * number)),
                }
            )
    seconds = {"resolve": 2.1, "gradients": 271.0, "prune": 96.0, "evaluate": 48.0, "upload": 5.5}
    return {
        "model": {
            "id": "HuggingFaceTB/SmolLM2-135M",
            "commit": "93efa2f097d58c2a74874c7e644dbc9b0cee75a2",
            "digest": None,
            "architecture": "LlamaForCausalLM",
            "parameters": 134_515_008,
            "blocks": 30,
        },
        "perplexity": {
            "dense": dense,
            "pruned": pruned,
            "dataset": "wikitext2",
            "windows": 141,
            "sequence_length": 2048,
            "increase": pruned / dense - 1,
            "kl": 0.8 * math.log(pruned / dense),
            "agreement": (dense / pruned) ** 0.3,
        },
        "further_perplexities": [{"dense": 17.9, "pruned": 31.2, "dataset": "c4"}],
        "sparsity": {"overall": sparsity, "layers": layers},
        "stages": [
            {"name": name, "seconds": cost, "peak_memory_bytes": 3_100_000_000}
            for name, cost in seconds.items()
        ],
        "environment": {"pruneserve": "0.1.0", "torch": "2.13.0", "device": "cpu", "dtype": "float32"},
        "warnings": [],
    }


def submit(
    database: sessionmaker[Session],
    *,
    owner: str = "ada",
    labels: dict[str, str] | None = None,
    gate: dict[str, float] | None = None,
    **asked: object,
) -> UUID:
    recipe = {"model": "HuggingFaceTB/SmolLM2-135M", "method": "gblm", "sparsity": 0.5} | asked
    spec = JobSpec.model_validate({"recipe": recipe, "gate": gate})
    with database.begin() as session:
        return owner_moves.create(session, owner, spec, labels or {"team": "search", "commit": "5f3e9a1"}).id


def claim(database: sessionmaker[Session], job_id: UUID) -> lifecycle.Claim:
    with database.begin() as session:
        claim = lifecycle.claim(session, job_id, "worker-1", 3000)
        assert claim is not None
        return claim


def stage(
    database: sessionmaker[Session], held: lifecycle.Claim, name: str, *, finished: bool = True
) -> None:
    with database.begin() as session:
        begun = StageStarted(attempt=held.attempt, stage=Stage(name), steps=30)
        assert lifecycle.record(session, held, begun)
        if finished:
            cost = StageFinished(
                attempt=held.attempt, stage=Stage(name), seconds=31.5, peak_memory_bytes=3_100_000_000
            )
            assert lifecycle.record(session, held, cost)


def succeeded(database: sessionmaker[Session], told: dict[str, Any], **asked: Any) -> UUID:
    held = claim(database, submit(database, **asked))
    for name in ("resolve", "gradients", "prune", "evaluate", "upload"):
        stage(database, held, name)
    files = [("model.safetensors", 269_060_552), ("pruning_report.json", 41_202), ("README.md", 3_120)]
    artifacts = [FinishedArtifact(name, f"k/{name}", size, "ab" * 32) for name, size in files]
    with database.begin() as session:
        assert lifecycle.succeed(session, held, told, artifacts)
    return held.job_id


def gallery(database: sessionmaker[Session]) -> dict[str, UUID]:
    """One job of each kind, by its state."""
    jobs = Jobs(database)
    shown: dict[str, UUID] = {}
    shown["failed"] = (failing := claim(database, submit(database, method="sparsegpt"))).job_id
    stage(database, failing, "resolve")
    jobs.fail(failing, "the repository has pickles only; convert it to safetensors")
    shown["cancelled"] = submit(database, method="magnitude")
    with database.begin() as session:
        owner_moves.cancel(session, "ada", shown["cancelled"])
    shown["missed"] = succeeded(
        database, report(0.6, 17.5, 49.0), sparsity=0.6, gate={"max_perplexity_increase": 0.5}
    )
    shown["wanda"] = succeeded(database, report(0.5, 17.5, 31.9), method="wanda")
    shown["succeeded"] = succeeded(
        database,
        report(0.5, 17.5, 25.1, spread=0.08),
        allocation={"name": "gradient", "band": 0.25},
        gate={"max_perplexity": 40.0, "max_perplexity_increase": 0.5},
    )
    shown["running"] = (running := claim(database, submit(database))).job_id
    stage(database, running, "resolve")
    stage(database, running, "gradients", finished=False)
    jobs.progress(running, "gradients", 12, 30)
    shown["queued"] = submit(database, pattern="2:4", sparsity=0.5)
    return shown


def search(database: sessionmaker[Session], *, rounds: int) -> UUID:
    """A search that has ended this many of its jobs, and goes on."""
    recipe = {"model": "HuggingFaceTB/SmolLM2-135M", "method": "gblm", "sparsity": 0.05}
    target = Target(max_perplexity_increase=0.5)
    request = {"job": {"model": recipe["model"], "method": "gblm"}, "target": target.model_dump()}
    base = JobSpec.model_validate({"recipe": recipe})
    with database.begin() as session:
        sweep_id = sweeps.start_search(session, "ada", request, base, target, {}).id
    for _ in range(rounds):
        with database.begin() as session:
            last = session.scalars(select(Job).where(Job.sweep_id == sweep_id).order_by(Job.id)).all()[-1]
            job_id, sparsity = last.id, last.sparsity
        held = claim(database, job_id)
        with database.begin() as session:
            assert lifecycle.succeed(session, held, report(sparsity, 17.5, 17.5 * (1 + sparsity**2)), [])
        with database.begin() as session:
            sweeps.advance(session)
    return sweep_id


def belongings(database: sessionmaker[Session]) -> None:
    """What else an owner has: gradient norms, uploads, and webhooks with messages."""
    jobs = Jobs(database)
    norms = jobs.running(model="HuggingFaceTB/SmolLM2-135M", method=None, sparsity=0, norms=["l1"])
    file = FinishedArtifact(
        "gradient_norms.safetensors", f"jobs/{norms.job_id}/norms", 540_000_000, "ab" * 32
    )
    jobs.succeed(norms, [file])
    with database.begin() as session:
        for name, ending, size in (
            ("support questions of 2025", "jsonl", 48_000_000),
            ("norms", "safetensors", 7),
        ):
            row = {
                "name": name,
                "format": ending,
                "size": size,
                "sha256": ending * 8,
                "key": f"uploads/{name}",
            }
            session.add(Upload(owner="ada", **row))
        for url, form in (
            ("https://hooks.slack.com/services/T0/B0/x", "slack"),
            ("https://ci.example.org/a", "standard"),
        ):
            hook = WebhookEndpoint(owner="ada", url=url, events=["job.failed"], format=form, secret=b"x")
            session.add(hook)
            session.flush()
            outbox.send_test(session, hook)
