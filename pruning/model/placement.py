"""Where a model's weights lie: on the host as they are stored, and where they compute while they work.

transformers maps a checkpoint that it loads in its stored dtype into memory: nothing is read before it is
used, and what was read can be dropped by the system at any time. Here a part of such a model (a block, or all
that lies around the blocks) is brought to the device and dtype of the computation for as long as it works.
"""

import copy
import importlib.metadata
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from pruning.runtime.device import describe


class Placement:
    """Brings parts of one model to a device and dtype, and takes them away again."""

    def __init__(
        self, model: PreTrainedModel, device: torch.device | None = None, dtype: torch.dtype | None = None
    ) -> None:
        """`device`, `dtype`: of the computation; by default the model's own, so that nothing is brought."""
        self.model = model
        self.device = torch.empty(0, device=device or model.device).device  # "cuda" has no index
        self.dtype = dtype or model.dtype
        self._dtypes = _dtypes(model, self.dtype) if self.dtype != model.dtype else {}
        self._working: set[Tensor] = set()
        self._ahead: _Prefetch | None = None

    @property
    def numerics_key(self) -> dict[str, str | int]:
        """What decides the last bits of what is computed here."""
        return {
            "device": describe(self.device),
            "dtype": str(self.dtype).removeprefix("torch."),
            "threads": torch.get_num_threads(),
            "attention": str(self.model.config._attn_implementation),
            "processor": torch.backends.cpu.get_cpu_capability(),
            **{name: importlib.metadata.version(name) for name in ("torch", "transformers", "pruneserve")},
        }

    @contextmanager
    def resident(self, *modules: nn.Module, then: nn.Module | None = None) -> Iterator[None]:
        """While active, the modules' parameters and buffers are on the device and in the dtype.

        A tensor that had to be brought is a copy: what is written to it is gone afterwards. One that is right
        as it is stays itself. On CUDA, `then` is what will be wanted next: it is copied meanwhile.
        """
        with self._placed(_tensors(modules), _tensors([then] if then else [])):
            yield

    @contextmanager
    def whole(self, blocks: Sequence[nn.Module], room: int) -> Iterator[None]:
        """While active, the model can be called as a whole, with the same results in either way.

        Where it takes no more than `room` bytes of the device, it is resident; else each of `blocks` is
        brought whenever it is called, and everything around them is resident.
        """
        tensors = _tensors([self.model])
        size = sum(tensor.numel() * self._dtypes.get(tensor, tensor.dtype).itemsize for tensor in tensors)
        with ExitStack() as placed:
            if size <= room:
                placed.enter_context(self.resident(self.model))
            else:
                placed.enter_context(self.around(blocks))
                for block, then in zip(blocks, [*blocks[1:], None], strict=True):
                    placed.enter_context(self.while_called(block, then=then))
            yield

    @contextmanager
    def while_called(self, module: nn.Module, then: nn.Module | None = None) -> Iterator[None]:
        """While active, `module` is resident whenever it is called, for the time of the call; `then`: as in
        `resident`.
        """
        plain = module.forward

        def forward(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - stands in for any module's forward
            with self.resident(module, then=then):
                return plain(*args, **kwargs)

        module.forward = forward  # on the instance: the class's shows again when it is deleted
        try:
            yield
        finally:
            del module.forward

    @contextmanager
    def around(self, blocks: Iterable[nn.Module]) -> Iterator[None]:
        """While active, so is everything of the model but `blocks`: embeddings, norms, head."""
        inside = set(_tensors(blocks))
        with self._placed([tensor for tensor in _tensors([self.model]) if tensor not in inside], ()):
            yield

    @contextmanager
    def _placed(self, tensors: Sequence[Tensor], then: Sequence[Tensor]) -> Iterator[None]:
        missing = [tensor for tensor in tensors if self._is_missing(tensor)]
        stored = [tensor.data for tensor in missing]
        for tensor, brought in zip(missing, self._brought(missing), strict=True):
            tensor.data = brought
        self._working.update(missing)
        if self.device.type == "cuda" and (wanted := [tensor for tensor in then if self._is_missing(tensor)]):
            self._ahead = _Prefetch(wanted, self._copies, self.device)
        try:
            yield
        finally:
            self._working.difference_update(missing)
            for tensor, data in zip(missing, stored, strict=True):
                tensor.data = data

    def _is_missing(self, tensor: Tensor) -> bool:
        if tensor in self._working:  # for something else that works just now, such as a tied embedding
            return False
        return tensor.device != self.device or tensor.dtype != self._dtypes.get(tensor, tensor.dtype)

    def _brought(self, tensors: Sequence[Tensor]) -> Sequence[Tensor]:
        ahead, self._ahead = self._ahead, None
        return ahead.arrived() if ahead and ahead.brings(tensors) else self._copies(tensors)

    def _copies(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """First to the device, then to the dtype: the host would be slower, and might send the wider one."""
        copies = []
        for tensor in tensors:
            stored = tensor.data.pin_memory() if self.device.type == "cuda" else tensor.data
            copied = stored.to(self.device, non_blocking=True)
            copies.append(copied.to(self._dtypes.get(tensor, tensor.dtype)))
        return copies


class _Prefetch:
    """Copies to a CUDA device beside its work, on a stream of their own; a thread pins what it copies."""

    def __init__(
        self,
        tensors: Sequence[Tensor],
        copies: Callable[[Sequence[Tensor]], list[Tensor]],
        device: torch.device,
    ) -> None:
        self._tensors = tensors
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        thread = ThreadPoolExecutor(1)
        self._copies = thread.submit(self._copy, copies)
        thread.shutdown(wait=False)  # it ends with its only task

    def _copy(self, copies: Callable[[Sequence[Tensor]], list[Tensor]]) -> list[Tensor]:
        with torch.cuda.stream(self._stream):
            return copies(self._tensors)

    def brings(self, tensors: Sequence[Tensor]) -> bool:
        """Whether it is these that were asked for."""
        return list(map(id, tensors)) == list(map(id, self._tensors))

    def arrived(self) -> list[Tensor]:
        """The copies, for the stream that is current here; what it does next waits for them."""
        copies = self._copies.result()
        current = torch.cuda.current_stream(self._stream.device)
        current.wait_stream(self._stream)
        for copied in copies:
            copied.record_stream(current)
        return copies


def _tensors(modules: Iterable[nn.Module]) -> list[Tensor]:
    """Parameters and buffers, each once."""
    found = (chain(module.parameters(), module.buffers()) for module in modules)
    return list(dict.fromkeys(chain.from_iterable(found)))


def _dtypes(model: PreTrainedModel, dtype: torch.dtype) -> dict[Tensor, torch.dtype]:
    """The dtype that each parameter and buffer has in a model that computes in `dtype`.

    Not `dtype` for all: transformers keeps some in float32, and some models make their own (inverse
    frequencies of rotary embeddings, say).
    """
    with torch.device("meta"):
        like = type(model)._from_config(copy.deepcopy(model.config), dtype=dtype)
    wide = model._get_dtype_plan(dtype)
    kept_wide = re.compile("|".join(name.replace("*", ".*") for name in wide) or "(?!)")
    ours, theirs = (dict(chain(m.named_parameters(), m.named_buffers())) for m in (model, like))
    return {
        tensor: torch.float32 if kept_wide.search(name) else theirs[name].dtype
        for name, tensor in ours.items()
        if tensor.is_floating_point()
    }
