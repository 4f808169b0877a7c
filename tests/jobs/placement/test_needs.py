"""What jobs need, for models of known sizes and against what the estimate says."""

import json
from typing import Any

import pytest

from jobs.placement.needs import Needs, said_in_full
from jobs.spec.job import JobSpec
from pruning.estimate import ModelShape, shape_of_config

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


def spec(placement: dict[str, Any] | None = None, **recipe: Any) -> JobSpec:
    wanted = {"model": "org/name", "method": "gblm", "sparsity": 0.5, **recipe}
    return JobSpec.model_validate({"recipe": wanted, "placement": placement})


@pytest.mark.parametrize("method", ["gblm", "sparsegpt", "wanda"])
def test_405b_needs_more_than_24_gb_and_fits_80(method: str) -> None:
    needs = Needs.of(spec(method=method), L405)
    # At least one block in 16 bits beside the embeddings and the head.
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
    wanda = Needs.of(spec(method="wanda"), L8).scratch_bytes
    assert wanda == 2 * L8.parameters + L8.block_weights // 8 + 2 * hidden


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


def test_what_the_request_says_holds_in_place_of_the_estimate() -> None:
    estimated = Needs.of(spec(), L8)
    said = Needs.of(spec({"device_memory_bytes": 5, "gpus": 2}), L8)
    assert said == estimated.model_copy(update={"device_bytes": 5, "gpus": 2})
    host = Needs.of(spec({"host_memory_bytes": 7}), L8)
    assert (host.host_bytes, host.cpu_bytes) == (7, 7)
    in_full = {"device_memory_bytes": 1, "host_memory_bytes": 2, "scratch_bytes": 3}
    assert said_in_full(spec(in_full)) == Needs(device_bytes=1, host_bytes=2, cpu_bytes=2, scratch_bytes=3)
    for missing in in_full:
        assert said_in_full(spec({name: 1 for name in in_full if name != missing})) is None
    assert said_in_full(spec()) is None


def test_needs_are_stored_as_json_and_a_later_field_is_ignored() -> None:
    needs = Needs.of(spec(), L405)
    stored = json.loads(json.dumps(needs.model_dump() | {"of_a_later_release": 1}))
    assert Needs.model_validate(stored) == needs
