"""The comparison with llm-compressor: its table, what it counts in a checkpoint, and the committed rows."""

import copy
import json
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from bench.baselines.__main__ import ROWS, lines, zeros
from bench.rows import RESULTS, file_name


def side(runs: list[tuple[float, float, float, float]], perplexity: float) -> dict[str, Any]:
    names = ("seconds", "cpu_seconds", "process_seconds", "peak_bytes")
    return {
        "runs": [dict(zip(names, run, strict=True)) for run in runs],
        "perplexity": perplexity,
        "zeros": 0.5,
    }


def test_the_table_has_the_medians_of_each_side_and_their_ranges() -> None:
    ours = side([(31, 20, 39, 9e8), (30, 29, 38, 7e8), (99, 21, 40, 8e8)], 61.547)
    theirs = side([(4, 4, 5, 1e9), (6, 6, 8, 1e9), (5, 5, 6, 1e9)], 61.5)
    found = {"row": "Wanda 50 %", "sides": {"ours": ours, "theirs": theirs}}
    assert list(lines(iter([found])))[2:] == [
        "| Wanda 50 % | PruneServe | 31.0 (30.0 to 99.0) | 21.0 (20.0 to 29.0) | 39.0 (38.0 to 40.0) | 800 "
        "| 61.55 | 50.00% |",
        "| Wanda 50 % | llm-compressor | 5.0 (4.0 to 6.0) | 5.0 (4.0 to 6.0) | 6.0 (5.0 to 8.0) | 1000 "
        "| 61.50 | 50.00% |",
    ]


def test_zeros_are_counted_in_the_layers_of_the_blocks_and_other_changes_are_named() -> None:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=32,
        hidden_size=8,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        tie_word_embeddings=True,
    )
    dense = LlamaForCausalLM(config).requires_grad_(False).eval()
    pruned = copy.deepcopy(dense)
    pruned.model.layers[0].self_attn.q_proj.weight[:4] = 0  # 32 of 4·64 + 3·128 = 640 weights
    found = zeros(pruned, dense)
    assert found["zeros"] == pytest.approx(32 / 640)
    assert found["zeros_by_layer"] == [0, 0.5]
    assert found["changed_elsewhere"] == []
    pruned.model.embed_tokens.weight[3, 3] = 0
    assert zeros(pruned, dense)["changed_elsewhere"] == ["model.embed_tokens.weight"]


def test_committed_rows_have_three_turns_of_as_many_threads_and_changed_nothing_else() -> None:
    by_file = {file_name(row.name): row for row in ROWS}
    for path in (RESULTS / "baselines").glob("*.json"):
        found = json.loads(path.read_text())
        assert found["row"] == by_file[path.name].name
        assert {len(of_side["runs"]) for of_side in found["sides"].values()} == {3}
        assert len({run["threads"] for of_side in found["sides"].values() for run in of_side["runs"]}) == 1
        assert [of_side["changed_elsewhere"] for of_side in found["sides"].values()] == [[], []]
