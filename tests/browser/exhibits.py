"""Jobs in every state, with figures as a real model of 30 blocks would have them."""

import math
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from jobs.database import Database
from jobs.lifecycle import lifecycle, owner_moves
from jobs.lifecycle.events import StageFinished, StageStarted
from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.spec.job import JobSpec
from jobs.sweeps import sweeps
from jobs.sweeps.bisection import Search
from jobs.sweeps.target import Target
from jobs.tables import Job
from pruning.recipe import Stage
from tests.api.drive import Jobs
from tests.report_document import export

_KINDS = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj")
_KINDS += ("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")


def intervals(perplexity: float, increase: float) -> dict[str, Any]:
    """Intervals of about a fiftieth of the figures."""
    figures = {"perplexity": perplexity, "increase": increase, "kl": 0.5, "agreement": 0.7}
    return {name: {"low": 0.98 * value, "high": 1.02 * value} for name, value in figures.items()}


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
            "intervals": intervals(pruned, pruned / dense - 1),
        },
        "domains": {
            "code": {
                "dense": 7.1,
                "pruned": 9.1,
                "dataset": "builtin-code",
                "windows": 122,
                "kl": 0.285,
                "agreement": 0.779,
                "intervals": intervals(9.1, 0.28),
            }
        },
        "sparsity": {"overall": sparsity, "layers": layers},
        "stages": [
            {"name": name, "seconds": cost, "peak_memory_bytes": 3_100_000_000}
            for name, cost in seconds.items()
        ],
        "environment": {"pruneserve": "0.1.0", "torch": "2.13.0", "device": "cpu", "dtype": "float32"},
        "warnings": [],
    }


def submit(
    database: Database,
    *,
    owner: str = "ada",
    labels: dict[str, str] | None = None,
    gate: dict[str, Any] | None = None,
    exports: Sequence[str] = (),
    name: str | None = None,
    **asked: object,
) -> UUID:
    recipe = {"model": "HuggingFaceTB/SmolLM2-135M", "method": "gblm", "sparsity": 0.5} | asked
    domains = {"domains": {"code": "builtin-code"}}
    spec = JobSpec.model_validate(
        {"recipe": recipe, "gate": gate, "name": name, "exports": exports, "evaluation": domains}
    )
    with database.begin() as session:
        return owner_moves.create(session, owner, spec, labels or {"team": "search", "commit": "5f3e9a1"}).id


def stage(database: Database, held: lifecycle.Claim, name: str, *, finished: bool = True) -> None:
    with database.begin() as session:
        begun = StageStarted(attempt=held.attempt, stage=Stage(name), steps=30)
        assert lifecycle.record(session, held, begun)
        if finished:
            cost = StageFinished(
                attempt=held.attempt, stage=Stage(name), seconds=31.5, peak_memory_bytes=3_100_000_000
            )
            assert lifecycle.record(session, held, cost)


def succeeded(database: Database, told: dict[str, Any], **asked: Any) -> UUID:
    held = Jobs(database).claim(submit(database, **asked))
    for name in ("resolve", "gradients", "prune", "evaluate", "upload"):
        stage(database, held, name)
    files = [("model.safetensors", 269_060_552), ("pruning_report.json", 41_202), ("README.md", 3_120)]
    files += [
        (one["path"] + ("" if one["sha256"] else "/model.safetensors"), one["bytes"])
        for one in told.get("exports", ())
    ]
    artifacts = [FinishedArtifact(name, f"k/{name}", size, "ab" * 32) for name, size in files]
    with database.begin() as session:
        assert lifecycle.succeed(session, held, told, artifacts)
    return held.job_id


def gallery(database: Database) -> dict[str, UUID]:
    """One job of each kind, by its state."""
    jobs = Jobs(database)
    shown: dict[str, UUID] = {}
    shown["failed"] = (failing := jobs.claim(submit(database, method="sparsegpt"))).job_id
    stage(database, failing, "resolve")
    jobs.fail(failing, "the repository has pickles only; convert it to safetensors")
    shown["cancelled"] = submit(database, method="magnitude")
    with database.begin() as session:
        owner_moves.cancel(session, "ada", shown["cancelled"])
    shown["missed"] = succeeded(
        database,
        report(0.6, 17.5, 49.0),
        sparsity=0.6,
        gate={"max_perplexity_increase": 0.5, "domains": {"code": {"max_kl": 0.25}}},
    )
    shown["wanda"] = succeeded(database, report(0.5, 17.5, 31.9), method="wanda")
    shown["succeeded"] = succeeded(
        database,
        report(0.5, 17.5, 25.1, spread=0.08),
        allocation={"name": "gradient", "band": 0.25},
        gate={"max_perplexity": 40.0, "max_perplexity_increase": 0.5},
    )
    shown["cut"] = succeeded(
        database,
        smaller(384, 1, 24.6),
        method=None,
        sparsity=0,
        structure={"mlp_channels": 0.25, "kv_heads": 1},
        gate={"max_bytes": 250_000_000, "min_speedup": 1.2},
        name="SmolLM2 for the edge",
    )
    shown["exported"] = succeeded(
        database,
        exported(),
        method="none",
        sparsity=None,
        exports=["gguf:Q8_0", "gguf:Q4_K_M", "gguf:Q2_K_S", "compressed-tensors:fp8"],
        gate={"export": "gguf:Q4_K_M", "max_perplexity_increase": 0.05, "max_bytes": 110_000_000},
    )
    shown["running"] = (running := jobs.claim(submit(database))).job_id
    stage(database, running, "resolve")
    stage(database, running, "gradients", finished=False)
    jobs.progress(running, "gradients", 12, 30)
    shown["queued"] = submit(database, pattern="2:4", sparsity=0.5)
    return shown


def search(database: Database, *, rounds: int) -> UUID:
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
        held = Jobs(database).claim(job_id)
        with database.begin() as session:
            assert lifecycle.succeed(session, held, report(sparsity, 17.5, 17.5 * (1 + sparsity**2)), [])
        with database.begin() as session:
            sweeps.advance(session)
    return sweep_id


def smaller(channels: int, kv_heads: int, perplexity: float) -> dict[str, Any]:
    """A report of a cut: of 1,536 MLP channels and 3 KV heads so many go, and nothing is masked."""
    kept = 1 - 0.5 * channels / 1536 - 0.1 * kv_heads
    told = report(0.0, 17.5, perplexity)
    told["sparsity"] = {"overall": 0.0, "layers": []}
    told["structure"] = {
        "units": [
            {"kind": kind, "dense": dense, "kept": dense - gone}
            for kind, dense, gone in (("mlp_channels", 1536, channels), ("kv_heads", 3, kv_heads))
            if gone
        ],
        "left": f"{1536 - channels:,} of 1,536 MLP channels, {3 - kv_heads} of 3 KV heads in each block",
        "dense_parameters": 134_515_008,
        "parameters": round(134_515_008 * kept),
        "dense_bytes": 269_060_552,
        "bytes": round(269_060_552 * kept),
    }
    rates = [("prefill", 1, 2210.0, 2950.0), ("decode", 1, 31.2, 38.4), ("decode", 8, 180.5, 216.0)]
    told["speed"] = {
        "bytes": round(269_060_552 * kept),
        "dense_bytes": 269_060_552,
        "speedup": 1.23,
        "rates": [
            {"phase": phase, "batch": batch, "dense": dense, "pruned": pruned, "speedup": pruned / dense}
            | {"noise": 0.02}
            for phase, batch, dense, pruned in rates
        ],
        "prompt_tokens": 128,
        "generated_tokens": 64,
        "pairs": 5,
        "peak_memory_bytes": 301_000_000,
        "dense_peak_memory_bytes": 388_000_000,
        "note": None,
    }
    return told


def exported(smaller: float = 1.0) -> dict[str, Any]:
    """A report of the dense model, or of a smaller one, with three exports, and one that failed."""
    told = report(0.0, 17.5, 17.5)
    rates = [
        {"phase": phase, "tokens_per_second": rate, "dense": dense, "noise": 0.03}
        for phase, rate, dense in (("prefill", 611.0, 402.0), ("decode", 71.4, 39.9))
    ]
    common = {"dense_bytes": 270_886_528, "dense_perplexity": 17.52}
    told["exports"] = [
        export(name, round(size * smaller), kl + 1 - smaller, perplexity=perplexity, **common, **more)
        for name, size, kl, perplexity, more in (
            ("gguf:Q8_0", 144_811_072, 0.0011, 17.62, {"rates": rates, "types": {"Q8_0": 211}}),
            ("gguf:Q4_K_M", 105_454_144, 0.0514, 18.75, {"rates": rates, "types": {"Q5_0": 180, "Q8_0": 31}}),
            ("compressed-tensors:fp8", 163_012_480, 0.0278, 18.06, {}),
        )
    ]
    told["warnings"] = [
        "gguf:Q2_K_S was not exported: llama.cpp refused the file",
        "wikitext2 has 141 windows only",
    ]
    return told


def file_search(database: Database) -> UUID:
    """A search for the best file of a size, of which the dense model is measured, and the cut one waits."""
    recipe = {"model": "HuggingFaceTB/SmolLM2-135M"}
    target = Target(max_bytes=120_000_000, format="gguf")
    request = {"job": recipe | {"name": "edge"}, "target": target.model_dump(mode="json")}
    specs = [
        JobSpec.model_validate({"recipe": recipe | pruned, "exports": ["gguf:Q8_0"], "name": "edge"})
        for pruned in ({"method": "none"}, {"structure": {"mlp_channels": 768}})
    ]
    with database.begin() as session:
        sweep_id = sweeps.create(session, "ada", request, specs, {}, search=Search()).id
        first = session.scalars(select(Job.id).where(Job.sweep_id == sweep_id).order_by(Job.id)).all()[0]
    held = Jobs(database).claim(first)
    with database.begin() as session:
        assert lifecycle.succeed(session, held, exported(), [])
    return sweep_id
