"""`pruneserve estimate` shows what the service itself would answer."""

from typer.testing import CliRunner

from cli.main import app
from pruning.estimate import ASSUMED, BlockShape, Estimate, Matrix, ModelShape
from pruning.recipe import Evaluation, Recipe
from tests.scripted_server import ScriptedServer

SHAPE = ModelShape(
    model_type="llama",
    hidden=4096,
    vocabulary=32_000,
    context=4096,
    blocks=(BlockShape((Matrix(4096, 4096, "attention"),), 4096),) * 32,
    embeddings=2 * 32_000 * 4096,
    stored_dtype="float16",
)
BODY = {"model": "org/name", "method": "gblm", "sparsity": 0.5}


def test_an_estimate_lists_every_stage_and_its_notes(server: ScriptedServer) -> None:
    estimate = Estimate.of(Recipe.model_validate(BODY), Evaluation(), SHAPE, ASSUMED)
    by_queue = [
        {
            "queue": "gpu.4g",
            "fits": False,
            "missing": "9 GB\x1b",
            "seconds": None,
            "memory_bytes": None,
        },
        {"queue": "gpu.80g", "fits": True, "missing": None, "seconds": 61.0, "memory_bytes": 1},
    ]
    told = estimate.model_dump(mode="json") | {"queue": "gpu.80g", "queues": by_queue}
    server.on("/v1/estimates", lambda it: it.json(told))
    result = CliRunner().invoke(
        app,
        ["estimate", "--model", "org/name", "--method", "gblm", "--sparsity", "0.5"],
        env={"PRUNESERVE_URL": server.url, "PRUNESERVE_API_KEY": "ps_key"},
    )
    assert result.exit_code == 0, result.stderr
    for stage in estimate.stages:
        assert stage.name in result.stdout
    assert "799 M parameters, 32 blocks" in result.stdout
    assert "queue gpu.4g: does not fit: the job needs 9 GB" in " ".join(result.stdout.split())
    assert "queue gpu.80g: fits, 1 min 01 s; the job would run here" in " ".join(result.stdout.split())
    assert "\x1b" not in result.stdout
    assert "note: no live worker was measured" in " ".join(result.stdout.split())
