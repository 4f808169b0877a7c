"""Placement in another dtype on the same device, against transformers' own loading in that dtype."""

import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.pytorch_utils import Conv1D

from pruning.models.blocks import find_stack
from pruning.models.placement import Placement
from pruning.runtime import copy_streams
from pruning.runtime.copy_streams import AsyncCopies
from pruning.runtime.process_memory import retain_freed_heap
from tests.pruning.families import EACH_FAMILY, make
from tests.pruning.pretended_cuda import CUDA, pretended_cuda
from tests.pruning.runtime.deferred_stream import DeferredStream
from tests.pruning.runtime.recorded_pinning import RecordedPinning


def state(model: PreTrainedModel) -> dict[str, tuple[torch.dtype, int]]:
    """Return dtype and address by parameter and buffer."""
    tensors = [*model.named_parameters(), *model.named_buffers()]
    return {name: (tensor.dtype, tensor.data_ptr()) for name, tensor in tensors}


def dtypes(model: PreTrainedModel) -> dict[str, torch.dtype]:
    return {name: dtype for name, (dtype, _) in state(model).items()}


@pytest.mark.parametrize("family", EACH_FAMILY)
def test_a_resident_model_equals_one_that_is_loaded_in_the_compute_dtype(family: str, tmp_path: Path) -> None:
    make(family, torch.float32).save_pretrained(tmp_path)
    stored = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32).eval()
    expected = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.bfloat16).eval()
    windows = torch.randint(2, 384, (2, 16), generator=torch.Generator().manual_seed(1))
    placement, before = Placement(stored, dtype=torch.bfloat16), state(stored)
    with torch.no_grad(), placement.resident(stored):
        assert dtypes(stored) == dtypes(expected)
        assert torch.equal(stored(input_ids=windows).logits, expected(input_ids=windows).logits)
    assert state(stored) == before


def test_kernels_outside_torch_are_part_of_the_numerics_key_on_cuda_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = make("llama")
    on_cpu = Placement(model).numerics_key
    chosen = {"flash_attention": SDPBackend.FLASH_ATTENTION, "cudnn_attention": SDPBackend.CUDNN_ATTENTION}
    with pretended_cuda(monkeypatch):
        monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 92_000)
        here = Placement(model, CUDA).numerics_key
        monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 92_100)
        there = Placement(model, CUDA).numerics_key
        for name, backend in chosen.items():
            monkeypatch.setattr(torch, "_fused_sdp_choice", lambda *_, backend=backend, **__: int(backend))
            assert Placement(model, CUDA).numerics_key["attention backend"] == name
    assert here.keys() - on_cpu.keys() == {"triton", "cudnn", "attention backend"}
    assert here["triton"] == version("triton")
    assert {name for name in here if here[name] != there[name]} == {"cudnn"}


@pytest.mark.parametrize("family", ["llama-tied", "gpt2", "mixtral"])
def test_only_the_tensors_of_a_resident_block_change(family: str) -> None:
    model = make(family)
    first, second, _ = find_stack(model).blocks
    before, parameters = state(model), [name for name, _ in model.named_parameters()]
    with Placement(model, dtype=torch.bfloat16).resident(first.module, then=second.module):
        while_resident = state(model)
    moved = {name for name, at in while_resident.items() if at != before[name]}
    assert moved == {name for name in parameters if name.startswith(f"{first.name}.")}
    assert state(model) == before


def test_everything_but_the_blocks_becomes_resident_and_ties_are_kept() -> None:
    model = make("llama-tied")
    stack, before = find_stack(model), state(model)
    placement = Placement(model, dtype=torch.bfloat16)
    with placement.resident_except(block.module for block in stack.blocks):
        narrow = {name for name, dtype in dtypes(model).items() if dtype == torch.bfloat16}
        assert narrow == {"model.embed_tokens.weight", "model.norm.weight"}
        assert model.lm_head.weight is model.model.embed_tokens.weight
        inside = state(model)
        with placement.resident(model.lm_head):
            assert state(model) == inside
        assert state(model) == inside
    assert state(model) == before


def test_writes_reach_the_model_only_if_nothing_had_to_be_copied() -> None:
    model = make("llama")
    block = find_stack(model).blocks[0].module
    weight = next(block.parameters())
    with torch.no_grad(), Placement(model).resident(block):
        weight.zero_()
    assert not weight.any()
    with torch.no_grad(), Placement(model, dtype=torch.bfloat16).resident(block):
        weight.fill_(1)
    assert not weight.any()


def test_the_model_is_restored_after_an_error() -> None:
    model = make("llama")
    before = state(model)
    with pytest.raises(KeyError), Placement(model, dtype=torch.bfloat16).resident(model):
        raise KeyError
    assert state(model) == before


class FailingCopies:
    """Lets copies fail, by their number."""

    def __init__(self, errors: dict[int, Exception], monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun = 0
        begin = AsyncCopies.begin

        def failing(copies: AsyncCopies[Any], sources: Any, dtypes: Any) -> Any:
            self.begun += 1
            if error := errors.get(self.begun):
                raise error
            return begin(copies, sources, dtypes)

        monkeypatch.setattr(AsyncCopies, "begin", failing)


def test_without_memory_for_the_next_block_it_is_copied_when_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copies = FailingCopies({2: torch.OutOfMemoryError("pretended")}, monkeypatch)
    model = make("llama")
    first, second, _ = (block.module for block in find_stack(model).blocks)
    placement, before = Placement(model, dtype=torch.bfloat16, copy_stream=DeferredStream()), state(model)
    with placement.resident(first, then=second):
        assert placement.is_resident(first)
        assert copies.begun == 2
    with placement.resident(second):
        assert {parameter.dtype for parameter in second.parameters()} == {torch.bfloat16}
    assert copies.begun == 3
    assert state(model) == before
    placement.end_stage()


@pytest.mark.parametrize("failing", [1, 2], ids=["its own copy", "the next block's"])
def test_the_model_is_restored_after_a_failed_copy(failing: int, monkeypatch: pytest.MonkeyPatch) -> None:
    FailingCopies({failing: RuntimeError("the file has gone")}, monkeypatch)
    model = make("llama")
    first, second, _ = (block.module for block in find_stack(model).blocks)
    placement, before = Placement(model, dtype=torch.bfloat16, copy_stream=DeferredStream()), state(model)
    with pytest.raises(RuntimeError, match="gone"), placement.resident(first, then=second):
        pass
    assert state(model) == before
    assert not placement.is_resident(first)
    placement.end_stage()


@pytest.mark.parametrize("family", ["llama-tied", "gpt2", "mixtral"])
def test_blocks_that_are_copied_ahead_are_those_that_are_copied_at_once(family: str) -> None:
    model, stream = make(family), DeferredStream()
    modules = [block.module for block in find_stack(model).blocks]
    plain = Placement(model, dtype=torch.bfloat16)
    ahead = Placement(model, dtype=torch.bfloat16, copy_stream=stream)
    before = state(model)
    for module, then in zip(modules, [*modules[1:], None], strict=True):
        with plain.resident(module):
            expected = [tensor.data.clone() for tensor in module.parameters()]
        with ahead.resident(module, then=then):
            assert bool(stream.waiting or ahead._prefetchers[ahead.device]._prefetched) == (then is not None)
            # What surrounds the blocks may become resident meanwhile: the next block stays on its way.
            with ahead.resident_except(modules):
                assert bool(ahead._prefetchers[ahead.device]._prefetched) == (then is not None)
            for tensor, wanted in zip(module.parameters(), expected, strict=True):
                assert torch.equal(tensor.data, wanted)
    assert state(model) == before


def test_a_stage_ends_with_nothing_copied_ahead_and_no_pinned_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    pinning = RecordedPinning()
    monkeypatch.setattr(copy_streams, "pinning_for", lambda device: pinning)
    model, stream = make("llama"), DeferredStream()
    first, second, third = (block.module for block in find_stack(model).blocks)
    placement = Placement(model, dtype=torch.bfloat16, copy_stream=stream)
    for _ in range(2):  # a later stage takes the memory again
        with placement.resident(first, then=second):
            pass
        with placement.resident(third, then=first):  # the second block is not wanted after all
            assert next(third.parameters()).dtype == torch.bfloat16
        assert sum(pinning.pinned.values()) == copy_streams.CHUNKS * copy_streams.CHUNK_BYTES
        placement.end_stage()
        assert not stream.waiting
        assert not pinning.pinned
    placement.end_stage()  # and once more does no harm


def resident_memory() -> dict[str, int]:
    """Return bytes by kind: RssAnon, RssFile."""
    status = Path("/proc/self/status").read_text()
    return {kind: 1024 * int(size) for kind, size in re.findall(r"(Rss\w+):\s+(\d+) kB", status)}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_a_model_is_memory_mapped_and_cast_one_block_at_a_time(tmp_path: Path) -> None:
    make(
        "llama", torch.bfloat16, hidden_size=512, intermediate_size=4096, num_hidden_layers=8
    ).save_pretrained(tmp_path)
    size = sum(path.stat().st_size for path in tmp_path.glob("*.safetensors"))
    before = resident_memory()["RssAnon"]
    model = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.bfloat16)
    assert resident_memory()["RssAnon"] - before < 0.5 * size
    placement, sums = Placement(model, dtype=torch.float32), list[Tensor]()
    for block in find_stack(model).blocks:
        with placement.resident(block.module):
            sums += [parameter.detach().sum() for parameter in block.module.parameters()]
            assert resident_memory()["RssAnon"] - before < 0.9 * size
    assert torch.isfinite(torch.stack(sums)).all()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_the_copy_of_an_embedding_is_returned_to_the_system_within_a_stage() -> None:
    model = make("llama-tied", torch.bfloat16, vocab_size=200_000, hidden_size=64)
    blocks = [block.module for block in find_stack(model).blocks]
    size = model.get_input_embeddings().weight.numel() * torch.float32.itemsize
    placement, kept, held = Placement(model, dtype=torch.float32), list[Tensor](), list[int]()
    with retain_freed_heap():
        before = resident_memory()["RssAnon"]
        for _ in range(3):
            with placement.resident_except(blocks):
                held.append(resident_memory()["RssAnon"] - before)
                kept.append(torch.ones(1000))  # above the copy, if it is in the heap
            held.append(resident_memory()["RssAnon"] - before)
    assert min(held[::2]) > 0.9 * size
    assert max(held[1::2]) < 0.2 * size


@pytest.mark.parametrize("family", EACH_FAMILY)
def test_a_model_that_does_not_fit_gives_the_same_logits_block_by_block(family: str) -> None:
    model = make(family)
    blocks = [block.module for block in find_stack(model).blocks]
    windows = torch.randint(2, 384, (2, 16), generator=torch.Generator().manual_seed(1))
    placement, before = Placement(model, dtype=torch.bfloat16), state(model)
    resident: list[set[int]] = []

    def record(*_: object) -> None:
        dtypes = {number: next(block.parameters()).dtype for number, block in enumerate(blocks)}
        resident.append({number for number, dtype in dtypes.items() if dtype == torch.bfloat16})

    for block in blocks:
        first = next(module for module in block.modules() if isinstance(module, nn.Linear | Conv1D))
        first.register_forward_pre_hook(record)
    logits = []
    for memory in (10**9, 0):
        with torch.inference_mode(), placement.whole(blocks, memory):
            logits.append(model(input_ids=windows).logits)
        assert state(model) == before
    assert torch.equal(*logits)
    everything = set(range(len(blocks)))
    assert resident == [everything] * len(blocks) + [{number} for number in range(len(blocks))]
