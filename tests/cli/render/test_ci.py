"""What a job's report measured is shown, as the server serves it and the client reads it."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner

from cli.main import app
from pruning.report import StructureFacts
from tests.report_document import export, report_document
from tests.scripted_server import ScriptedServer, job_document, state_event

STRUCTURE = {
    "units": [
        {"kind": "kv_heads", "dense": 4, "requested": 3, "kept": 3},
        {"kind": "mlp_channels", "dense": 1536, "requested": 1150, "kept": 1152},
    ],
    "blocks": [],
    "block_share": 0.25,
    "dense_parameters": 2000,
    "parameters": 1500,
    "dense_bytes": 4000,
    "bytes": 3000,
}
SIZES = {"dense_bytes": 4000, "bytes": 3000}
RATE = {"phase": "prefill", "batch": 1, "dense": 100.0, "pruned": 125.0, "speedup": 1.25, "noise": 0.01}
PERPLEXITY = {"dense": 8.0, "pruned": 10.0}
IN_EACH = "3 of 4 KV heads, 1,152 of 1,536 MLP channels in each block"


def structured(**more: object) -> dict[str, Any]:
    speed = SIZES | {"speedup": 1.25, "rates": [RATE]}
    compared = report_document()["perplexity"] | {"kl": 0.25, "agreement": 0.625}
    del compared["increase"]
    return report_document(
        structure=STRUCTURE, speed=speed, perplexity=compared, domains={"code": compared}, **more
    )


def shown(server: ScriptedServer, job_id: UUID, report: object, *command: str) -> str:
    """What the commands print of a job, each line with single spaces."""
    server.on_job(job_id, "succeeded", state_event(1, "succeeded"), report=report, perplexity=PERPLEXITY)
    server.on("/v1/jobs", lambda it: it.json(job_document(job_id, "queued"), 201))
    place = {"PRUNESERVE_URL": server.url, "PRUNESERVE_API_KEY": "ps_key", "COLUMNS": "300"}
    result = CliRunner().invoke(app, list(command), env=place)
    assert result.exit_code == 0, result.output
    return "\n".join(" ".join(line.split()) for line in result.stdout.splitlines())


@pytest.mark.parametrize("command", ["show", "run"])
def test_a_structured_job_shows_parameters_size_speed_divergence_and_stages(
    server: ScriptedServer, job_id: UUID, tmp_path: Path, command: str
) -> None:
    summary = tmp_path / "summary.md"
    run = ("--model", "org/name", "--sparsity", "0.5", "--summary", str(summary))
    text = shown(server, job_id, structured(), command, *((str(job_id),) if command == "show" else run))
    facts = {
        "perplexity": "8.00 → 10.00 (+25.0%), on 2 windows of 4 tokens of builtin, no interval",
        "parameters": f"1,500 of 2,000, 25.0% fewer: {IN_EACH}",
        "size": "3.0 kB of 4.0 kB; 1.25 times as fast as the dense model",
        "against dense": "KL 0.2500 nats per token; the same most probable token in 62.5%",
        "in code": "8.00 → 10.00 (+25.0%); KL 0.2500 nats per token; the same most probable token in 62.5%",
        "zeros": "20.00% of the weights in the pruned layers",
    }
    for name, value in facts.items():
        assert f"{name} {value}" in text
    assert "prune 1.5 s, peak memory 10 bytes" in text
    if command == "run":
        written = summary.read_text().replace("\\", "")
        for name, value in facts.items():
            assert f"| {name} | {value} |" in written
        assert "| prune | 1.5 s | 10 bytes |" in written


RATES = [
    {"phase": "prefill", "tokens_per_second": 90.0, "dense": 100.0, "noise": 0.01},
    {"phase": "decode", "tokens_per_second": 30.0, "dense": 20.0, "noise": 0.04},
]
FAILED = "compressed-tensors:w4a16 was not exported: rows of 96"


def test_exported_files_are_a_table_and_what_failed_is_a_warning(
    server: ScriptedServer, job_id: UUID, tmp_path: Path
) -> None:
    figures = {"perplexity": 12.0, "dense_perplexity": 10.0}
    file = export("gguf:Q4_K_M", 400, 0.125, rates=RATES, warnings=["rows of 96 are Q5_0"], **figures)
    report = report_document(
        exports=[file, export("compressed-tensors:fp8", 400, None, **figures)], warnings=[FAILED]
    )
    job = ("--model", "org/name", "--sparsity", "0.5", "--summary", str(tmp_path / "summary.md"))
    for text in (
        shown(server, job_id, report, "run", *job),
        shown(server, job_id, report, "show", str(job_id)),
    ):
        assert "export size perplexity KL decode, tokens/s" in text
        assert "gguf:Q4_K_M 400 bytes 10.00 → 12.00 (+20.0%) 0.1250 20.0 → 30.0 (±4%)\n" in text
        assert text.endswith("\ncompressed-tensors:fp8 400 bytes 10.00 → 12.00 (+20.0%)")
        assert f"warning {FAILED}\n" in text
        assert "warning gguf:Q4_K_M: rows of 96 are Q5_0\n" in text
    written = (tmp_path / "summary.md").read_text().replace("\\", "")
    assert "| export | size | perplexity | KL | decode, tokens/s |\n" in written
    assert "| gguf:Q4_K_M | 400 bytes | 10.00 → 12.00 (+20.0%) | 0.1250 | 20.0 → 30.0 (±4%) |\n" in written


def test_a_speed_that_was_not_measured_is_not_shown(server: ScriptedServer, job_id: UUID) -> None:
    masked = report_document(speed=SIZES | {"speedup": 1.0})
    assert "size 3.0 kB of 4.0 kB\n" in shown(server, job_id, masked, "show", str(job_id))


def test_a_gain_below_the_noise_is_called_not_measurable(server: ScriptedServer, job_id: UUID) -> None:
    noisy = report_document(speed=SIZES | {"speedup": None, "rates": [RATE | {"speedup": 1.0}]})
    text = shown(server, job_id, noisy, "show", str(job_id))
    assert "size 3.0 kB of 4.0 kB; the speed-up is not measurable: the noise exceeds the gain\n" in text


def test_a_report_of_another_version_is_reported(server: ScriptedServer, job_id: UUID) -> None:
    newer = structured()
    del newer["structure"]["parameters"]
    text = shown(server, job_id, newer, "show", str(job_id))
    assert "report written by another version of the service" in text


def test_the_remaining_structure_of_a_smaller_model_is_shown() -> None:
    widths = StructureFacts.model_validate_json(json.dumps(STRUCTURE))
    assert widths.left == IN_EACH
    units = [{"kind": "experts", "dense": 4, "requested": 3, "kept": 3}]
    some = [{"block": block, "kind": "experts", "kept": "0-2"} for block in (1, 2)]  # not in block 0
    experts = StructureFacts.model_validate_json(json.dumps(STRUCTURE | {"units": units, "blocks": some}))
    assert experts.left == "3 of 4 experts in each block that has them"
    every = StructureFacts.model_validate_json(
        json.dumps(STRUCTURE | {"units": units, "blocks": [{**some[0], "block": 0}, *some]})
    )
    assert every.left == "3 of 4 experts in each block"
