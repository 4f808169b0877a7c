"""What a check is given: its device and size, and where it notes what it measures."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import torch

from bench.gpu_check.result import Figure, Findings, write_json

SizeT = TypeVar("SizeT")
GB = 1e9
# Writing takes milliseconds, which count as the computation's.
_PROGRESS_SECONDS = 5


class Context:
    """One check's surroundings. Every note is on disk when the method returns, whatever happens next."""

    def __init__(
        self,
        device: torch.device,
        size: str,
        scratch: Path,
        path: Path,
        findings: Findings,
        *,
        peak_memory: Callable[[], dict[str, float]] = dict,
    ) -> None:
        """`scratch`: an empty directory. `path`: where the findings go. `peak_memory`: of now, for them."""
        self.device = device
        self.scratch = scratch
        self.is_toy = size == "toy"
        self.on_gpu = device.type == "cuda"
        self.findings = findings
        self._path = path
        self._peak_memory = peak_memory
        self._next_progress = 0.0
        self.save()

    def pick(self, full: SizeT, toy: SizeT) -> SizeT:
        """Return the one that belongs to this check's size."""
        return toy if self.is_toy else full

    def record(self, name: str, value: float | str | bool, note: str = "") -> None:
        """Note a value that has no bound."""
        self._add(Figure(name, value, note=note))

    def require(self, name: str, holds: bool, *, note: str = "") -> None:
        """Note a property that must hold at any size. `note`: what is known of it where it does not."""
        self._add(Figure(name, bool(holds), "yes", bool(holds), note))

    def expect(
        self,
        name: str,
        value: float,
        *,
        at_most: float | None = None,
        at_least: float | None = None,
        at_any_size: bool = False,
        note: str = "",
    ) -> None:
        """Note a value and judge it by its bound.

        At toy size a bound on speed or memory means nothing: there, only those `at_any_size` are judged.
        """
        bounds = [
            f"{sign} {bound:g}" for sign, bound in (("≤", at_most), ("≥", at_least)) if bound is not None
        ]
        met = (at_most is None or value <= at_most) and (at_least is None or value >= at_least)
        judged = at_any_size or not self.is_toy
        self._add(Figure(name, float(value), " and ".join(bounds), bool(met) if judged else None, note))

    def step(self, done: int, total: int) -> None:
        """Note how far a long computation has come, every few seconds: it says more than 'killed'."""
        if time.monotonic() >= self._next_progress:
            self.findings = replace(self.findings, progress=f"{done / total:.0%}")
            self.save()
            self._next_progress = time.monotonic() + _PROGRESS_SECONDS

    def seconds(self, work: Callable[[], object]) -> float:
        """Return how long `work` takes, with all that it has asked of the device."""
        self._synchronize()
        started = time.perf_counter()
        work()
        self._synchronize()
        return time.perf_counter() - started

    def limit_memory(self, size: float) -> None:
        """Let torch reserve at most `size` bytes of the device from now on. On a CPU nothing is limited."""
        if self.on_gpu:
            total = torch.cuda.get_device_properties(self.device).total_memory
            torch.cuda.set_per_process_memory_fraction(min(1.0, size / total), self.device)

    def save(self) -> None:
        """Write the findings."""
        self.findings = replace(self.findings, peak_memory=self._peak_memory())
        write_json(self._path, self.findings)

    def _add(self, figure: Figure) -> None:
        self.findings = replace(self.findings, figures=(*self.findings.figures, figure), progress="")
        self.save()

    def _synchronize(self) -> None:
        if self.on_gpu:
            torch.cuda.synchronize(self.device)
