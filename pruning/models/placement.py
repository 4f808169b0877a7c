"""Moves parts of a model to the compute device and dtype while they work, and back afterwards.

The model itself stays on the host in its stored dtype, memory-mapped by transformers: nothing is read before
it is used, and the system may evict pages. So a model larger than the device, or the memory, runs
block by block.

Several devices share a model's blocks. The outer modules (embeddings, final norm, head) are on the first of
them; where they are needed on another, all of them are copied, so that no architecture has to be known.
"""

import copy
import importlib.metadata
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend
from transformers import PreTrainedModel

from pruning.models.module_calls import move_tensors, replaced_forward
from pruning.models.partition import partition_contiguous
from pruning.models.prefetcher import Prefetcher
from pruning.runtime.copy_streams import CopyStream, CudaCopyStream
from pruning.runtime.device import cuda_versions, describe, dtype_name
from pruning.version import NUMERICS

_DEFAULT_HEAD_SIZE, _MAX_HEAD_SIZE = 128, 1024  # elements


class Placement:
    """One model, with the devices and the dtype that it computes in.

    A module is resident while its parameters and buffers are on its device and in that dtype. Its device is
    `device`, except for blocks while they are spread over several (`in_pipeline_stages`, `in_round_robin`).
    """

    def __init__(
        self,
        model: PreTrainedModel,
        device: torch.device | None = None,
        dtype: torch.dtype | None = None,
        *,
        others: Sequence[torch.device] = (),
        copy_stream: CopyStream[Any] | None = None,
    ) -> None:
        """`device`, `dtype`: of the computation; by default the model's own, so that nothing is copied.

        `others`: further devices, which take a part of the blocks. `copy_stream`: where `device` copies while
        it computes; by default a stream of a CUDA device.
        """
        self.model = model
        self.device = torch.empty(0, device=device or model.device).device  # "cuda" has no index
        self.dtype = dtype or model.dtype
        self.devices = (self.device, *others)
        self._dtypes = _dtypes(model, self.dtype) if self.dtype != model.dtype else {}
        self._device_overrides: Mapping[Tensor, torch.device] = {}  # of blocks that are not on `device`
        self._outer_copies: dict[torch.device, list[Tensor]] = {}  # of the outer modules
        self._resident: dict[Tensor, Tensor] = {}  # copied tensors, with their stored data
        streams: dict[torch.device, CopyStream[Any]] = {}
        if copy_stream is not None:
            streams[self.device] = copy_stream
        elif self.device.type == "cuda" and model.device.type == "cpu":
            streams = {each: CudaCopyStream(each) for each in self.devices}
        self._prefetchers = {each: Prefetcher(each, streams.get(each)) for each in self.devices}
        self._prefetches = True

    @property
    def numerics_key(self) -> dict[str, str | int]:
        """What decides the bits of a computation here in addition to its inputs."""
        return {
            "device": describe(*self.devices),
            "dtype": dtype_name(self.dtype),
            "threads": torch.get_num_threads(),
            "attention": str(self.model.config._attn_implementation),
            "processor": torch.backends.cpu.get_cpu_capability(),
            **{name: importlib.metadata.version(name) for name in ("torch", "transformers")},
            **(cuda_versions() if self.device.type == "cuda" else {}),
            **(self._attention_backend() if self.device.type == "cuda" else {}),
            "numerics": NUMERICS,
        }

    def _attention_backend(self) -> dict[str, str]:
        """Return the backend that torch chooses for 'sdpa' on this device: cuDNN, flash, or another."""
        config = self.model.config
        heads = getattr(config, "num_attention_heads", None)
        width = getattr(config, "head_dim", None)
        if width is None and isinstance(heads, int) and heads > 0:
            width = config.hidden_size // heads
        # Some models have heads of several widths, or of none, and some classes do not read these entries.
        if not isinstance(width, int) or not 0 < width <= _MAX_HEAD_SIZE:
            width = _DEFAULT_HEAD_SIZE
        probe = torch.empty(1, 1, 128, width, dtype=self.dtype, device=self.device, requires_grad=True)
        choice = torch._fused_sdp_choice(probe, probe, probe, is_causal=True)
        return {"attention backend": SDPBackend(choice).name.lower()}

    @property
    def size(self) -> int:
        """The bytes of the resident model, on all devices together."""
        return self._size_of(_tensors([self.model]))

    def device_of(self, module: nn.Module) -> torch.device:
        """Return the device of a block, or of another module."""
        return next((self._device_of(tensor) for tensor in _tensors([module])), self.device)

    def runs(self, blocks: Sequence[nn.Module]) -> list[int]:
        """Return for each block the number of its device while they are `in_pipeline_stages`."""
        if self._usable_device_count(blocks) == 1:
            return [0] * len(blocks)
        sizes = [self._size_of(_tensors([block])) for block in blocks]
        around = self.size - sum(sizes)
        sizes[-1] += around  # the head's copy, see `outer_modules_on`
        return partition_contiguous(sizes, len(self.devices), first=around)

    @contextmanager
    def in_pipeline_stages(self, blocks: Sequence[nn.Module]) -> Iterator[None]:
        """While active, each device has a pipeline stage: consecutive `blocks`, about equal in size.

        For a model that stays resident: hidden states are copied between devices as rarely as possible.
        """
        with self._spread(blocks, self.runs(blocks)):
            yield

    @contextmanager
    def in_round_robin(self, blocks: Sequence[nn.Module]) -> Iterator[None]:
        """While active, `blocks` are assigned to the devices in round-robin order.

        For blocks that are copied to the devices one after the other: while one device computes a block, the
        next device begins with the block after it.
        """
        count = self._usable_device_count(blocks)
        with self._spread(blocks, [number % count for number in range(len(blocks))]):
            yield

    def largest_share(self, blocks: Sequence[nn.Module]) -> int:
        """Return the bytes of the resident model on the device that has most of it, `blocks` in runs."""
        shares = dict.fromkeys(range(len(self.devices)), 0)
        for number, block in zip(self.runs(blocks), blocks, strict=True):
            shares[number] += self._size_of(_tensors([block]))
        around = self.size - sum(shares.values())
        shares[0] += around
        return max(shares.values()) + (around if len(self.devices) > 1 else 0)

    def drop_other_devices(self) -> bool:
        """Use the first device only. Return whether there were others."""
        had_others = len(self.devices) > 1
        self.devices = (self.device,)
        return had_others

    def stored(self, tensor: Tensor) -> Tensor:
        """Return what a parameter or buffer holds while it is not resident, in its own dtype."""
        return self._resident.get(tensor, tensor.data)

    def is_resident(self, *modules: nn.Module) -> bool:
        """Whether nothing would be copied to make the modules resident."""
        return not any(map(self._is_missing, _tensors(modules)))

    def is_copied(self, module: nn.Module) -> bool:
        """Whether to be resident all of it would be copied, so that what is written to it is lost."""
        return all(map(self._is_missing, _tensors([module])))

    @contextmanager
    def resident(self, *modules: nn.Module, then: nn.Module | None = None) -> Iterator[None]:
        """While active, the modules are resident.

        A tensor that is already on the device in its dtype is used itself; any other is copied, and what is
        written to the copy is lost on exit. `then`: the module that will be needed next, which CUDA copies
        meanwhile.
        """
        with self._placed(_tensors(modules), _tensors([then] if then else [])):
            yield

    @contextmanager
    def whole(self, blocks: Sequence[nn.Module], room: int) -> Iterator[None]:
        """While active, the whole model can be called, with the same results whatever its size.

        Parameters
        ----------
        blocks
            The modules of all decoder blocks, in order.
        room
            Bytes of the device's memory that the model may take. A larger model is resident except for its
            blocks, each of which becomes resident while it is called.
        """
        fits = self.size <= room and not self._device_overrides
        with self.resident(self.model) if fits else self.one_at_a_time(blocks):
            yield

    @contextmanager
    def one_at_a_time(self, blocks: Sequence[nn.Module]) -> Iterator[None]:
        """While active, the model can be called: each of `blocks` becomes resident while it is called."""
        with ExitStack() as placed:
            placed.enter_context(self.resident_except(blocks))
            for block, then in zip(blocks, [*blocks[1:], None], strict=True):
                placed.enter_context(self.resident_during_calls(block, then=then))
            yield

    @contextmanager
    def resident_during_calls(self, module: nn.Module, then: nn.Module | None = None) -> Iterator[None]:
        """While active, `module` becomes resident for the time of each call. `then`: as in `resident`.

        Where its device is not the first, its arguments are copied there, and its result is copied back.
        """
        original = module.forward

        def forward(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - replaces any module's forward
            with self.resident(module, then=then):
                device = self.device_of(module)
                if device == self.device:
                    return original(*args, **kwargs)
                moved = move_tensors(args, device), move_tensors(kwargs, device)
                return move_tensors(original(*moved[0], **moved[1]), self.device)

        with replaced_forward(module, forward):
            yield

    @contextmanager
    def resident_except(self, blocks: Iterable[nn.Module]) -> Iterator[None]:
        """While active, everything but `blocks` is resident: embeddings, final norm, head."""
        with self._placed(self._around(blocks), ()):
            yield

    @contextmanager
    def outer_modules_on(self, device: torch.device, blocks: Iterable[nn.Module]) -> Iterator[None]:
        """While active, the outer modules, which are resident, are on `device`: a copy, made once.

        So the head runs where the last block is, and neither waits for other work of the first device. The
        copies are freed with the outermost `in_pipeline_stages` or `in_round_robin`.
        """
        if device == self.device:
            yield
            return
        around = self._around(blocks)
        if device not in self._outer_copies:
            self._outer_copies[device] = [tensor.data.to(device) for tensor in around]
        originals = [tensor.data for tensor in around]
        try:
            for tensor, copied in zip(around, self._outer_copies[device], strict=True):
                tensor.data = copied
            yield
        finally:
            for tensor, data in zip(around, originals, strict=True):
                tensor.data = data

    @contextmanager
    def stage(self) -> Iterator[Self]:
        """End the stage with this context: memory that is unmapped while it is pinned stays registered."""
        try:
            yield self
        finally:
            self.end_stage()

    def end_stage(self, *, prefetches: bool = True) -> None:
        """Free pinned memory and prefetched tensors. Later copies allocate them again.

        `prefetches`: whether modules are still copied before they are needed.
        """
        self._prefetches = prefetches
        with ExitStack() as ending:
            for prefetcher in self._prefetchers.values():
                ending.callback(prefetcher.end_stage)

    def _usable_device_count(self, blocks: Sequence[nn.Module]) -> int:
        """Return how many devices can share `blocks`: one if two blocks have a tensor in common."""
        count = len(self.devices)
        return 1 if count > 1 and _share_tensors(self.model, blocks) else count

    @contextmanager
    def _spread(self, blocks: Sequence[nn.Module], numbers: Sequence[int]) -> Iterator[None]:
        """While active, each block's device is the one of its number."""
        before = self._device_overrides
        self._device_overrides = {
            tensor: self.devices[number]
            for block, number in zip(blocks, numbers, strict=True)
            for tensor in (_tensors([block]) if number else ())
        }
        try:
            yield
        finally:
            self._device_overrides = before
            if not before:
                self._outer_copies.clear()

    @contextmanager
    def _placed(self, tensors: Sequence[Tensor], then: Sequence[Tensor]) -> Iterator[None]:
        missing = [tensor for tensor in tensors if self._is_missing(tensor)]
        stored = [tensor.data for tensor in missing]
        try:
            for tensor, copied in self._copies_of(missing):
                tensor.data = copied
            self._resident.update(zip(missing, stored, strict=True))
            ahead = then if self._prefetches else ()
            for device, upcoming in self._by_device(filter(self._is_missing, ahead)).items():
                self._prefetchers[device].prefetch(upcoming, list(map(self._dtype_of, upcoming)))
            yield
        finally:
            for tensor, data in zip(missing, stored, strict=True):
                self._resident.pop(tensor, None)
                tensor.data = data

    def _around(self, blocks: Iterable[nn.Module]) -> list[Tensor]:
        """Return the tensors of the outer modules."""
        in_blocks = set(_tensors(blocks))
        return [tensor for tensor in _tensors([self.model]) if tensor not in in_blocks]

    def _is_missing(self, tensor: Tensor) -> bool:
        if tensor in self._resident:  # through another module, such as a tied embedding
            return False
        return tensor.device != self._device_of(tensor) or tensor.dtype != self._dtype_of(tensor)

    def _copies_of(self, tensors: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
        """Return each tensor with its copy. All devices copy at the same time."""
        begun = [
            (of_device, self._prefetchers[device].begin(of_device, list(map(self._dtype_of, of_device))))
            for device, of_device in self._by_device(tensors).items()
        ]
        return [pair for of_device, copies in begun for pair in zip(of_device, copies(), strict=True)]

    def _by_device(self, tensors: Iterable[Tensor]) -> Mapping[torch.device, list[Tensor]]:
        found: dict[torch.device, list[Tensor]] = defaultdict(list)
        for tensor in tensors:
            found[self._device_of(tensor)].append(tensor)
        return found

    def _device_of(self, tensor: Tensor) -> torch.device:
        """Return the device that a tensor has while it is resident."""
        return self._device_overrides.get(tensor, self.device)

    def _size_of(self, tensors: Iterable[Tensor]) -> int:
        """Return the bytes of tensors while they are resident."""
        return sum(tensor.numel() * self._dtype_of(tensor).itemsize for tensor in tensors)

    def _dtype_of(self, tensor: Tensor) -> torch.dtype:
        """Return the dtype that a tensor has while it is resident."""
        return self._dtypes.get(tensor, tensor.dtype)


def _tensors(modules: Iterable[nn.Module]) -> list[Tensor]:
    """Return the modules' parameters and buffers, each once."""
    found = (chain(module.parameters(), module.buffers()) for module in modules)
    return list(dict.fromkeys(chain.from_iterable(found)))


def _share_tensors(model: nn.Module, blocks: Sequence[nn.Module]) -> bool:
    """Whether a tensor belongs to several blocks, or to a block and an outer module."""
    in_blocks = {module for block in blocks for module in block.modules()}
    around = {
        tensor
        for module in model.modules()
        if module not in in_blocks
        for tensor in chain(module.parameters(recurse=False), module.buffers(recurse=False))
    }
    uses = Counter(chain.from_iterable(_tensors([block]) for block in blocks))
    return any(count > 1 for count in uses.values()) or not around.isdisjoint(uses)


def _dtypes(model: PreTrainedModel, dtype: torch.dtype) -> dict[Tensor, torch.dtype]:
    """Return the dtype of each parameter and buffer in a model that transformers loads in `dtype`.

    It is not `dtype` for all: transformers keeps some in float32, and some models create buffers in a dtype
    of their own (inverse frequencies of rotary embeddings, say).
    """
    with torch.device("meta"):
        reference = type(model)._from_config(copy.deepcopy(model.config), dtype=dtype)
    float32_names = model._get_dtype_plan(dtype)
    kept_in_float32 = re.compile("|".join(name.replace("*", ".*") for name in float32_names) or "(?!)")
    ours, theirs = (dict(chain(m.named_parameters(), m.named_buffers())) for m in (model, reference))
    return {
        tensor: torch.float32 if kept_in_float32.search(name) else theirs[name].dtype
        for name, tensor in ours.items()
        if tensor.is_floating_point()
    }
