"""The memory that a process may use, from the files of both versions of cgroups."""

from pathlib import Path

import psutil
import pytest
import torch

from pruning.runtime import process_memory
from pruning.runtime.device import total_memory
from pruning.runtime.process_memory import host_memory

TOTAL = psutil.virtual_memory().total
GB = 1 << 30


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n")
    return root


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({}, TOTAL, id="no cgroups"),
        pytest.param(
            {"proc/self/cgroup": "0::/job", "sys/fs/cgroup/job/memory.max": "max"}, TOTAL, id="v2, no limit"
        ),
        pytest.param(
            {"proc/self/cgroup": "0::/job", "sys/fs/cgroup/job/memory.max": f"{GB}"}, GB, id="v2, its own"
        ),
        pytest.param(
            {
                "proc/self/cgroup": "0::/pod/job",
                "sys/fs/cgroup/pod/job/memory.max": "max",
                "sys/fs/cgroup/pod/memory.max": f"{GB}",
            },
            GB,
            id="v2, of the group around it",
        ),
        pytest.param(
            {"proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": f"{GB}"}, GB, id="v2, in a container"
        ),
        pytest.param(
            {
                "proc/self/cgroup": "5:devices:/\n4:cpu,memory:/docker/1a2b\n1:name=systemd:/\n0::/",
                "sys/fs/cgroup/memory/docker/1a2b/memory.limit_in_bytes": f"{GB}",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
            },
            GB,
            id="v1",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "4:memory:/docker/1a2b",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{GB}",
            },
            GB,
            id="v1, in a container that shows its own part only",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "4:memory:/",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
            },
            TOTAL,
            id="v1, no limit",
        ),
        pytest.param(
            {"proc/self/cgroup": "0::/job", "sys/fs/cgroup/job/memory.max": f"{2 * TOTAL}"},
            TOTAL,
            id="more than the machine has",
        ),
    ],
)
def test_it_is_the_lowest_limit_or_the_machines_memory(
    files: dict[str, str], expected: int, tmp_path: Path
) -> None:
    assert host_memory(write(tmp_path, files)) == expected


def test_the_memory_of_the_device_cpu_is_that_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_memory, "_limits", lambda _root: [GB])
    assert total_memory(torch.device("cpu")) == GB
