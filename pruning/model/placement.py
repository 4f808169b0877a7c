"""Moves parts of a model to the compute device and dtype while they work, and back afterwards.

The model itself stays on the host in its stored dtype, memory-mapped by transformers: nothing is read before
it is used, and the system may drop what was read. So a model larger than the device, or the memory, runs
block by block.
"""

import copy
import importlib.metadata
import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from pruning.model.patching import replaced_forward
from pruning.runtime.device import describe, is_out_of_memory
from pruning.runtime.own_pages import copy_to_own_pages
from pruning.runtime.side_copies import CopyStream, CudaCopyStream, PendingCopies, SideCopies, side_copies
from pruning.version import pruneserve_version

log = logging.getLogger(__name__)

_LARGE = 1 << 25  # bytes; smaller copies, as those of most blocks, find room again in the heap


class Placement:
    """One model, with the device and dtype that it computes in.

    A module is resident while its parameters and buffers are on that device and in that dtype.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        device: torch.device | None = None,
        dtype: torch.dtype | None = None,
        *,
        copy_stream: CopyStream[Any] | None = None,
    ) -> None:
        """`device`, `dtype`: of the computation; by default the model's own, so that nothing is copied.

        `copy_stream`: where the device copies while it computes; by default a stream of a CUDA device.
        """
        self.model = model
        self.device = torch.empty(0, device=device or model.device).device  # "cuda" has no index
        self.dtype = dtype or model.dtype
        self._dtypes = _dtypes(model, self.dtype) if self.dtype != model.dtype else {}
        self._resident: set[Tensor] = set()
        if copy_stream is None and self.device.type == "cuda" and model.device.type == "cpu":
            copy_stream = CudaCopyStream(self.device)
        self._copy_stream = copy_stream  # one for good: each stream keeps memory of its own
        self._side_copies: SideCopies[Any] | None = None
        self._prefetch: tuple[list[Tensor], PendingCopies[Any]] | None = None

    @property
    def numerics_key(self) -> dict[str, str | int]:
        """All that decides the last bits of a computation here besides its inputs."""
        return {
            "device": describe(self.device),
            "dtype": str(self.dtype).removeprefix("torch."),
            "threads": torch.get_num_threads(),
            "attention": str(self.model.config._attn_implementation),
            "processor": torch.backends.cpu.get_cpu_capability(),
            **{name: importlib.metadata.version(name) for name in ("torch", "transformers")},
            **(_cuda_versions() if self.device.type == "cuda" else {}),
            "pruneserve": pruneserve_version(),
        }

    @property
    def size(self) -> int:
        """The bytes of the resident model."""
        return sum(tensor.numel() * self._dtype_of(tensor).itemsize for tensor in _tensors([self.model]))

    def is_resident(self, *modules: nn.Module) -> bool:
        """Whether nothing would be copied to make the modules resident."""
        return not any(map(self._is_missing, _tensors(modules)))

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
        with ExitStack() as placed:
            if self.size <= room:
                placed.enter_context(self.resident(self.model))
            else:
                placed.enter_context(self.one_at_a_time(blocks))
            yield

    @contextmanager
    def one_at_a_time(self, blocks: Sequence[nn.Module]) -> Iterator[None]:
        """While active, the model can be called: each of `blocks` becomes resident while it is called."""
        with ExitStack() as placed:
            placed.enter_context(self.resident_except(blocks))
            for block, then in zip(blocks, [*blocks[1:], None], strict=True):
                placed.enter_context(self.while_called(block, then=then))
            yield

    @contextmanager
    def while_called(self, module: nn.Module, then: nn.Module | None = None) -> Iterator[None]:
        """While active, `module` becomes resident for the time of each call. `then`: as in `resident`."""
        plain = module.forward

        def forward(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - stands in for any module's forward
            with self.resident(module, then=then):
                return plain(*args, **kwargs)

        with replaced_forward(module, forward):
            yield

    @contextmanager
    def resident_except(self, blocks: Iterable[nn.Module]) -> Iterator[None]:
        """While active, everything but `blocks` is resident: embeddings, final norm, head."""
        in_blocks = set(_tensors(blocks))
        with self._placed([tensor for tensor in _tensors([self.model]) if tensor not in in_blocks], ()):
            yield

    def end_stage(self) -> None:
        """Free what copying took: pinned memory, and what was copied ahead. Later copies take it again."""
        try:
            self._finish_prefetch()
        finally:
            if self._side_copies is not None:
                self._side_copies.close()
            self._side_copies = None

    @contextmanager
    def _placed(self, tensors: Sequence[Tensor], then: Sequence[Tensor]) -> Iterator[None]:
        missing = [tensor for tensor in tensors if self._is_missing(tensor)]
        stored = [tensor.data for tensor in missing]
        try:
            for tensor, copied in zip(missing, self._copies_of(missing), strict=True):
                tensor.data = copied
            self._resident.update(missing)
            if self._copy_stream is not None:
                self._copy_ahead([tensor for tensor in then if self._is_missing(tensor)])
            yield
        finally:
            self._resident.difference_update(missing)
            for tensor, data in zip(missing, stored, strict=True):
                tensor.data = data

    def _is_missing(self, tensor: Tensor) -> bool:
        if tensor in self._resident:  # for another module, as a tied embedding may be
            return False
        return tensor.device != self.device or tensor.dtype != self._dtype_of(tensor)

    def _copies_of(self, tensors: list[Tensor]) -> list[Tensor]:
        if self._copy_stream is None or not tensors:
            return [_copied(tensor.data, self.device, self._dtype_of(tensor)) for tensor in tensors]
        if self._prefetch is not None and list(map(id, self._prefetch[0])) == list(map(id, tensors)):
            return self._finish_prefetch()
        return self._begin(tensors).result()

    def _copy_ahead(self, upcoming: list[Tensor]) -> None:
        """Begin to copy what is needed next, if there is room; else it is copied when it is needed."""
        if not upcoming:
            return
        self._finish_prefetch()  # nobody asked for it
        try:
            self._prefetch = upcoming, self._begin(upcoming)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            log.info("no room to copy the next block while this one computes")

    def _begin(self, tensors: list[Tensor]) -> PendingCopies[Any]:
        assert self._copy_stream is not None  # noqa: S101 - asked by the callers
        if self._side_copies is None:
            self._side_copies = side_copies(self.device, self._copy_stream)
        return self._side_copies.begin(
            [tensor.data for tensor in tensors], [self._dtype_of(tensor) for tensor in tensors]
        )

    def _finish_prefetch(self) -> list[Tensor]:
        """Return what was copied ahead, if anything. The computation waits for it, used or not."""
        prefetch, self._prefetch = self._prefetch, None
        return prefetch[1].result() if prefetch else []

    def _dtype_of(self, tensor: Tensor) -> torch.dtype:
        """Return the dtype that a tensor has while it is resident."""
        return self._dtypes.get(tensor, tensor.dtype)


def _cuda_versions() -> dict[str, str | int]:
    """Return the versions of what computes on CUDA and is chosen apart from torch; 'none' where it lacks."""
    try:
        triton = importlib.metadata.version("triton")
    except importlib.metadata.PackageNotFoundError:
        triton = "none"
    cudnn: int | None = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    return {"triton": triton, "cudnn": cudnn or "none"}


def _copied(tensor: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Copy at once; a large matrix, such as an embedding, on a CPU into pages that go back with it."""
    on_cpu = device.type == tensor.device.type == "cpu"
    if on_cpu and tensor.is_contiguous() and tensor.numel() * dtype.itemsize >= _LARGE:
        return copy_to_own_pages(tensor, dtype)
    return tensor.to(device, dtype)


def _tensors(modules: Iterable[nn.Module]) -> list[Tensor]:
    """Return the modules' parameters and buffers, each once."""
    found = (chain(module.parameters(), module.buffers()) for module in modules)
    return list(dict.fromkeys(chain.from_iterable(found)))


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
