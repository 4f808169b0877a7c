"""Jobs that take units out of a model, through a real worker and the store."""

from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM

from jobs.lifecycle.events import LogMessage, StageFinished
from jobs.states import JobState
from jobs.storage.store import Store
from tests.stack import Stack


@pytest.mark.parametrize("store_url", ["directory"], indirect=True)
def test_a_smaller_model_is_kept_and_the_next_job_uses_its_gates(
    stack: Stack, tmp_path: Path, store_url: str
) -> None:
    stack.start_dispatcher()
    stack.start_worker()
    first = stack.submit(stack.spec(method=None, sparsity=None, structure={"mlp_channels": 0.25}))
    job = stack.wait_for_end(first)
    assert (job.state, job.attempt, job.method) == (JobState.SUCCEEDED, 1, "structure"), job.error
    stages = [event.data.stage for event in stack.events(first) if isinstance(event.data, StageFinished)]
    assert stages == ["resolve", "gradients", "cut", "evaluate", "speed", "upload"]

    model = tmp_path / "model"
    model.mkdir()
    for name, artifact in stack.artifacts(first).items():
        store, stored_size = Store(store_url), artifact.stored_size
        if stored_size is None:
            content = store.stream(artifact.key)
        else:
            content = store.stream_plain(artifact.key, stored_size, artifact.size)
        (model / name).write_bytes(b"".join(content))
    smaller = AutoModelForCausalLM.from_pretrained(model)
    dense = AutoModelForCausalLM.from_pretrained(stack.model)
    assert smaller.config.intermediate_size == round(0.75 * dense.config.intermediate_size)
    assert job.report is not None
    assert job.report["structure"]["parameters"] == smaller.num_parameters() < dense.num_parameters()

    second = stack.submit(stack.spec(method=None, sparsity=None, structure={"mlp_channels": 0.5}))
    assert stack.wait_for_end(second).state == JobState.SUCCEEDED
    messages = [event.data.message for event in stack.events(second) if isinstance(event.data, LogMessage)]
    assert any(message.startswith("gradients: reusing") for message in messages)

    # Blocks and units of the others are two parts of one stage, whose finished blocks are rows of one kind.
    structure = {"blocks": 1, "mlp_channels": 0.25}
    third = stack.submit(stack.spec(method=None, sparsity=None, structure=structure))
    job = stack.wait_for_end(third)
    assert job.state == JobState.SUCCEEDED, job.error
    stages = [event.data.stage for event in stack.events(third) if isinstance(event.data, StageFinished)]
    assert stages == ["resolve", "cut", "gradients", "cut", "evaluate", "speed", "upload"]
    assert job.report is not None
    blocks = dense.config.num_hidden_layers
    assert job.report["structure"]["left"].startswith(f"{blocks - 1} of {blocks} blocks; ")
