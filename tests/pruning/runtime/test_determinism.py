"""Deterministic algorithms: for CUDA only, and set up before torch is imported."""

import os
import subprocess
import sys
from contextlib import suppress

import pytest
import torch

from pruning.errors import InvalidInput
from pruning.runtime.determinism import (
    deterministic_algorithms,
    fix_cublas_workspace,
    has_no_deterministic_algorithm,
    refuse_variable_workspace,
)

CPU, CUDA = torch.device("cpu"), torch.device("cuda:0")
VARIABLE = "CUBLAS_WORKSPACE_CONFIG"


def flags() -> tuple[bool, bool, bool]:
    """Return torch's flags: deterministic, whether it only warns, whether new memory is filled."""
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.utils.deterministic.fill_uninitialized_memory,
    )


@pytest.mark.parametrize("before", [(False, False, True), (True, True, False)])
def test_determinism_fills_no_memory_and_is_restored_after_an_error(
    before: tuple[bool, bool, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    default = flags()
    torch.use_deterministic_algorithms(before[0], warn_only=before[1])
    monkeypatch.setattr(torch.utils.deterministic, "fill_uninitialized_memory", before[2])
    try:
        with suppress(KeyError), deterministic_algorithms(CUDA, enabled=True):
            inside = flags()
            raise KeyError
        assert (inside, flags()) == ((True, False, False), before)
    finally:
        torch.use_deterministic_algorithms(default[0], warn_only=default[1])


@pytest.mark.parametrize(("device", "enabled"), [(CPU, True), (CPU, False), (CUDA, False)])
def test_nothing_is_changed_on_a_cpu_or_on_request(device: torch.device, enabled: bool) -> None:
    before = flags()
    with deterministic_algorithms(device, enabled=enabled):
        assert flags() == before


@pytest.mark.parametrize("value", [None, ":0:0", ":4096:8,:16:8"])
def test_cuda_without_a_fixed_workspace_is_refused_by_name(
    value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(InvalidInput, match=VARIABLE) as refused:
        refuse_variable_workspace(CUDA)
    assert refused.value.field == "deterministic"
    refuse_variable_workspace(CPU)


def test_the_cublas_workspace_is_set_unless_the_environment_has_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    fix_cublas_workspace()
    refuse_variable_workspace(CUDA)
    monkeypatch.setenv(VARIABLE, ":16:8")
    fix_cublas_workspace()
    assert os.environ[VARIABLE] == ":16:8"
    refuse_variable_workspace(CUDA)


def test_torchs_refusal_of_an_operation_is_recognised() -> None:
    message = "cumsum_cuda_kernel does not have a deterministic implementation, but you set 'torch.use_det…"
    assert has_no_deterministic_algorithm(RuntimeError(message))
    assert not has_no_deterministic_algorithm(RuntimeError("CUDA error: out of memory"))


# Ends the process when it is about to import torch, directly or by transformers.
PRINT_THE_VARIABLE_WHEN_TORCH_IS_IMPORTED = f"""
import os, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name in ("torch", "transformers"):
            print(os.environ.get("{VARIABLE}"))
            sys.stdout.flush()
            os._exit(0)

sys.meta_path.insert(0, Finder())
"""
COMMAND = """
from pruning.__main__ import main
main(["--model", "./model", "--method", "wanda", "--sparsity", "0.5", "--output", "pruned"])
"""
WORKER_CHILD = """
from worker.tasks import prepare_child
prepare_child()
"""
SERVICE = {"DATABASE_URL": "postgresql://h/d", "BROKER_URL": "redis://h", "STORE_URL": "file:///store"}


@pytest.mark.parametrize("program", [COMMAND, WORKER_CHILD])
def test_command_and_worker_set_the_workspace_before_torch_is_imported(program: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE} | SERVICE
    done = subprocess.run(
        [sys.executable, "-c", PRINT_THE_VARIABLE_WHEN_TORCH_IS_IMPORTED + program],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == ":4096:8"
