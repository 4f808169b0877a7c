"""What jobs need, for models of known sizes and against what the estimate says."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from jobs.queue.resources import UNKNOWN_NEEDS, Needs, requested_needs
from jobs.spec.job import JobSpec, ResourceRequest
from pruning.estimate import Machine, ModelShape, shape_of_config

GB = 10**9


def llama(hidden: int, blocks: int, middle: int, heads: int, groups: int) -> ModelShape:
    return shape_of_config(
        {
            "model_type": "llama",
            "hidden_size": hidden,
            "intermediate_size": middle,
            "num_hidden_layers": blocks,
            "num_attention_heads": heads,
            "num_key_value_heads": groups,
            "vocab_size": 128_256,
            "tie_word_embeddings": False,
            "max_position_embeddings": 131_072,
            "torch_dtype": "bfloat16",
        }
    )


L405 = llama(16_384, 126, 53_248, 128, 8)
L8 = llama(4096, 32, 14_336, 32, 8)


def spec(resources: dict[str, Any] | None = None, **recipe: Any) -> JobSpec:
    wanted = {"model": "org/name", "method": "gblm", "sparsity": 0.5, **recipe}
    return JobSpec.model_validate({"recipe": wanted, "resources": resources})


@pytest.mark.parametrize("method", ["gblm", "sparsegpt", "wanda"])
def test_405b_needs_more_than_24_gb_and_fits_80(method: str) -> None:
    needs = Needs.of(spec(method=method), L405)
    # At least one block in 16 bits in addition to the embeddings and the head.
    block = 2 * (2 * 16_384**2 + 2 * 16_384 * 1024 + 3 * 16_384 * 53_248)
    assert block + 2 * 2 * 128_256 * 16_384 < needs.device_bytes < 79 * 2**30
    assert needs.device_bytes > 24 * GB


def test_the_disk_has_room_for_the_norms_the_cache_and_the_output() -> None:
    l1 = Needs.of(spec(), L405).scratch_bytes
    both = Needs.of(spec(allocation="gradient"), L405).scratch_bytes
    weights = L405.block_weights
    assert both - l1 == 4 * weights, "a second norm of four bytes for each weight"
    assert l1 > 4 * weights + 2 * L405.parameters
    # Without norms: the output, a bit for each weight, and two sets of the windows' hidden states.
    hidden = 128 * 2048 * 4096 * 2
    wanda = Needs.of(spec(method="wanda"), L8)
    assert wanda.scratch_bytes == 2 * L8.parameters + L8.block_weights // 8 + 2 * hidden


def test_a_cpu_without_bfloat16_needs_a_larger_disk_than_a_gpu() -> None:
    """It computes in float32, in which it saves hidden states and the weights that a method changes."""
    hidden = 128 * 2048 * 4096
    needs = Needs.of(spec(method="sparsegpt"), L8)
    common = 2 * L8.parameters + L8.block_weights // 8
    assert needs.scratch_bytes == common + 2 * (L8.block_weights + 2 * hidden)
    assert needs.cpu_scratch_bytes == common + 4 * (L8.block_weights + 2 * hidden)
    same = Needs.of(spec(method="sparsegpt", dtype="float32"), L8)
    assert same.scratch_bytes == same.cpu_scratch_bytes == needs.cpu_scratch_bytes


def test_longer_windows_need_more_and_a_small_model_is_quick_on_a_cpu() -> None:
    short, long = (
        Needs.of(spec(calibration={"dataset": "c4", "sequence_length": length}), L8)
        for length in (512, 16_384)
    )
    assert short.cpu_bytes < long.cpu_bytes
    assert short.device_bytes < long.device_bytes
    assert short.cpu_seconds < long.cpu_seconds
    tiny = llama(64, 2, 128, 4, 2)
    assert Needs.of(spec(), tiny).cpu_seconds < 900 < Needs.of(spec(), L8).cpu_seconds


def test_the_time_on_a_cpu_is_that_of_the_cpus_that_there_are() -> None:
    """In the dtype that they are fast in, with every product counted by hand."""
    rate, length, count = 1e12, 512, 16
    cpu = Machine(
        device="cpu",
        memory_bytes=10**12,
        operations_per_second={"float32": rate / 10, "bfloat16": rate},
        bytes_per_second=1e30,
    )
    windows = {"dataset": "builtin", "samples": count, "sequence_length": length}
    job = JobSpec.model_validate(
        {
            "recipe": {"model": "org/name", "method": "wanda", "sparsity": 0.5, "calibration": windows},
            "evaluation": {"dataset": "builtin", "windows": count, "sequence_length": length},
        }
    )
    weights, tokens = L8.block_weights, count * length
    attended = 32 * 4096 * 2 * sum(1 + place for place in range(length)) * count * 2  # two products each
    forward = 2 * weights * tokens / (0.8 * rate) + attended / (0.3 * rate)
    logits = 2 * 128_256 * 4096 * tokens / (0.8 * rate)
    # The model is read twice, a bit for each weight is written and sent, and the result is sent.
    files = (3 * 2 * L8.parameters + 2 * weights / 8) / 4e8
    # Pruning walks through each block twice. The dense and the pruned model are evaluated, the dense one's
    # logits twice.
    by_hand = 2 * forward + 2 * forward + 3 * logits + files
    gpu = Machine(
        device="cuda", memory_bytes=10**11, operations_per_second={"bfloat16": 1.0}, bytes_per_second=1.0
    )
    assert Needs.of(job, L8, [cpu, gpu]).cpu_seconds == pytest.approx(by_hand, rel=0.005)
    frugal = Needs.of(job, L8).model_dump(exclude={"cpu_seconds"})
    assert Needs.of(job, L8, [cpu]).model_dump(exclude={"cpu_seconds"}) == frugal


def test_what_the_request_says_holds_in_place_of_the_estimate() -> None:
    estimated = Needs.of(spec(), L8)
    said = Needs.of(spec({"device_bytes": 10**12, "gpus": 2}), L8)
    assert said == estimated.model_copy(update={"device_bytes": 10**12, "gpus": 2})
    half = estimated.host_bytes // 2
    host = Needs.of(spec({"host_bytes": half}), L8)
    assert (host.host_bytes, host.cpu_bytes) == (half, max(half, estimated.cpu_bytes // 4))
    assert requested_needs(spec()) is None
    assert requested_needs(spec({"scratch_bytes": 3})) == Needs(
        scratch_bytes=3, cpu_scratch_bytes=3, cpu_seconds=UNKNOWN_NEEDS.cpu_seconds
    )


@pytest.mark.threat
def test_needs_are_not_lowered_below_a_quarter_of_the_estimate() -> None:
    estimated = Needs.of(spec(), L405)
    nothing = {"gpus": 0, "device_bytes": 0, "host_bytes": 0, "scratch_bytes": 0}
    said = Needs.of(spec(nothing), L405)
    assert said.cpu_seconds == estimated.cpu_seconds
    for name in ("device_bytes", "host_bytes", "cpu_bytes", "scratch_bytes", "cpu_scratch_bytes"):
        assert getattr(said, name) == getattr(estimated, name) // 4 > 0


@pytest.mark.threat
def test_a_worker_raises_needs_that_only_the_request_states_and_lowers_none() -> None:
    said = requested_needs(spec({"device_bytes": 0, "host_bytes": 10**13, "scratch_bytes": 0}))
    assert said is not None
    estimated = Needs.of(spec(), L405)
    raised = said.max_with(estimated)
    assert raised == estimated.model_copy(update={"host_bytes": 10**13, "cpu_bytes": 10**13})
    assert raised.max_with(estimated) == raised


@pytest.mark.parametrize(
    ("field", "limit"),
    [("gpus", 16), ("device_bytes", 2**44), ("host_bytes", 2**44), ("scratch_bytes", 2**44)],
)
@pytest.mark.threat
def test_a_request_for_more_than_any_machine_has_is_refused(field: str, limit: int) -> None:
    assert getattr(ResourceRequest(**{field: limit}), field) == limit
    with pytest.raises(ValidationError, match=rf"(?s){field}.*less than or equal to {limit}\b"):
        ResourceRequest(**{field: limit + 1})


def test_needs_are_stored_as_json_and_a_later_field_is_ignored() -> None:
    needs = Needs.of(spec(), L405)
    stored = json.loads(json.dumps(needs.model_dump() | {"of_a_later_release": 1}))
    assert Needs.model_validate(stored) == needs
