"""Names say of which process they are, and no other process has the same."""

import os
import re
import socket

from jobs.queue import workers


def test_names_of_one_process_begin_alike_and_are_those_of_its_host() -> None:
    made = {workers.unique_name() for _ in range(100)}
    assert len(made) == 100
    assert all(name.startswith(f"{socket.gethostname()}-{os.getpid()}-") for name in made)
    assert all(name.startswith(workers.name_prefix(os.getpid())) for name in made)
    assert all(re.search(workers.name_pattern(socket.gethostname()), name) for name in made)
    assert not any(name.startswith(workers.name_prefix(os.getpid() // 10)) for name in made)
    assert not any(re.search(workers.name_pattern("another"), name) for name in made)
    assert re.search(workers.name_pattern("a.b"), "a.b-1-0f")
    assert not re.search(workers.name_pattern("a.b"), "axb-1-0f")
