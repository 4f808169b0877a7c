"""Pretended CUDA devices: tensors lie in host memory and say that they lie on `cuda:0`, or another one.

Every operation computes what it computes on a CPU, so code that depends on values runs to its end. An
operation on tensors of two devices is refused, as CUDA would refuse it.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

from pruning.runtime.copy_streams import DirectCopyStream
from pruning.runtime.pinned_memory import CudaPinning

CPU, CUDA = torch.device("cpu"), torch.device("cuda:0")
ENGINE = "_engine_run_backward"
_COPIES = {torch.ops.aten.copy_.default, torch.ops.aten._to_copy.default}
_INDEXED = {torch.ops.aten.index.Tensor, torch.ops.aten.index_put.default, torch.ops.aten.index_put_.default}


class MixedDevices(Exception):
    """An operation was given tensors of two devices."""


class _Tags:
    """The device of each tensor, by its storage; all of them are kept, so that no address is used twice."""

    def __init__(self) -> None:
        self._devices: dict[int, tuple[torch.device, Any]] = {}

    def __getitem__(self, tensor: Tensor) -> torch.device:
        found = self._devices.get(tensor.untyped_storage()._cdata)
        return found[0] if found else CPU

    def __setitem__(self, tensor: Tensor, device: torch.device) -> None:
        storage = tensor.untyped_storage()
        self._devices[storage._cdata] = device, storage


def _is_meta(tensor: Tensor) -> bool:
    return bool(tensor.is_meta)


class _CheckedOperations(TorchDispatchMode):
    """Refuses to mix devices, and gives every result the device of its operands."""

    def __init__(self, tags: _Tags) -> None:
        super().__init__()
        self._tags = tags

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        tensors = [value for value in tree_flatten((args, kwargs))[0] if isinstance(value, Tensor)]
        operands = [tensor for tensor in tensors if not _is_meta(tensor)]
        if func in _INDEXED:  # a host's indices may be used on any device
            of_host = {id(index) for index in args[1] if index is not None and self._tags[index] == CPU}
            operands = [tensor for tensor in operands if id(tensor) not in of_host]
        # Numbers on the host may be combined with tensors on any device.
        devices = {self._tags[tensor] for tensor in operands if tensor.dim()} or {
            self._tags[tensor] for tensor in operands
        }
        if len(devices) > 1 and func not in _COPIES:
            raise MixedDevices(f"{func} on {[(self._tags[one], tuple(one.shape)) for one in operands]}")
        if func is torch.ops.aten.histc.default and not args[0].is_floating_point():
            # Only CUDA counts integers.
            result = func(args[0].double(), *args[1:], **(kwargs or {})).to(args[0].dtype)
        elif func is torch.ops.aten.mm.dtype:
            # Only CUDA multiplies in one dtype and adds in another.
            one, other, out_dtype = args
            result = torch.ops.aten.mm.default(one.to(out_dtype), other.to(out_dtype))
        else:
            result = func(*args, **(kwargs or {}))
        if len(devices) == 1:
            known = {tensor.untyped_storage()._cdata for tensor in operands}
            made = [value for value in tree_flatten(result)[0] if isinstance(value, Tensor)]
            for tensor in made:
                if not _is_meta(tensor) and tensor.untyped_storage()._cdata not in known:
                    self._tags[tensor] = next(iter(devices))
        return result


class _Move(torch.autograd.Function):
    """A copy on another device, whose gradient comes back to where the original is."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, target: torch.device, tags: _Tags) -> Tensor:
        ctx.source, ctx.tags = tags[tensor], tags
        copied = tensor.clone()
        tags[copied] = target
        return copied

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None, None]:
        returned = upstream[0].clone()
        ctx.tags[returned] = ctx.source
        return returned, None, None


class _PretendedPlaces(TorchFunctionMode):
    """Translates what names a device: arguments, `Tensor.device`, and moves between devices."""

    def __init__(self, tags: _Tags) -> None:
        super().__init__()
        self._tags = tags

    def __torch_function__(  # noqa: PLR0911 - a case each
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func == Tensor.device.__get__:  # type: ignore[attr-defined]
            return func(*args) if _is_meta(args[0]) else self._tags[args[0]]
        if func == Tensor.is_cuda.__get__:  # type: ignore[attr-defined]
            return self._tags[args[0]].type == "cuda"
        if func is torch.device or isinstance(
            func, OpOverload
        ):  # an operation below: see `_CheckedOperations`
            return func(*args, **kwargs)
        if func is Tensor.__deepcopy__:  # copies the storage below the operations
            result = func(*args, **kwargs)
            self._tags[result] = self._tags[args[0]]
            return result
        if func is Tensor.pin_memory:
            return args[0].clone()
        if func in (Tensor.cpu, Tensor.cuda):
            func, args = Tensor.to, (args[0], CPU if func is Tensor.cpu else CUDA)
        kwargs.pop("pin_memory", None)
        named = [value for value in (*args, kwargs.get("device")) if _names_device(value)]
        if not named:
            return func(*args, **kwargs)
        target = torch.device(named[0])
        return self._made_on(
            torch.device("cuda", target.index or 0) if target.type == "cuda" else CPU, func, args, kwargs
        )

    def _made_on(self, target: torch.device, func: Any, args: Any, kwargs: Any) -> Any:
        args, kwargs = tree_map(lambda value: CPU if _names_device(value) else value, (args, kwargs))
        result = func(*args, **kwargs)
        if not isinstance(result, Tensor) or _is_meta(result):
            return result
        if func is Tensor.to and self._tags[args[0]] != target:
            # A move is a copy, also where the host would return the tensor itself.
            self._tags[result] = self._tags[args[0]]
            return _Move.apply(result, target, self._tags)  # type: ignore[no-untyped-call]
        self._tags[result] = target
        return result


def _names_device(value: object) -> bool:
    """Whether it is the CPU or a CUDA device, and not, say, the meta device."""
    if isinstance(value, torch.device):
        return value.type in ("cpu", "cuda")
    return isinstance(value, str) and value.partition(":")[0] in ("cpu", "cuda")


@contextmanager
def pretended_cuda(monkeypatch: pytest.MonkeyPatch, *, devices: int = 1) -> Iterator[None]:
    """While active, this process has `cuda:0`, or several `devices`, of 80 GB."""
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    properties = SimpleNamespace(total_memory=80 << 30, name="pretended", major=9, minor=0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device=None: properties)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device=None: properties.name)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: devices)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device=None: None)
    generator = torch.Generator
    monkeypatch.setattr(torch, "Generator", lambda device=CPU: generator(CPU))
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
    monkeypatch.setattr(torch.cuda, "Event", lambda blocking: SimpleNamespace(synchronize=lambda: None))
    stream = SimpleNamespace(record_event=lambda event: event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device=None: stream)
    monkeypatch.setattr("pruning.models.placement.CudaCopyStream", lambda device: None)
    monkeypatch.setattr("pruning.runtime.copy_streams.copy_stream_for", lambda device: DirectCopyStream())
    monkeypatch.setattr(CudaPinning, "pin", lambda self, address, size: False)
    tags = _Tags()
    places, run_backward = _PretendedPlaces(tags), getattr(torch.autograd, ENGINE)

    def run_with_places(*args: Any, **kwargs: Any) -> Any:
        # A mode is off while it handles a call, such as that of `torch.autograd.grad`.
        with places:
            return run_backward(*args, **kwargs)

    monkeypatch.setattr(torch.autograd, ENGINE, run_with_places)
    with places, _CheckedOperations(tags):
        yield
