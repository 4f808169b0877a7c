"""Names say of which process they are, and no other process has the same."""

import os
import re
import socket

from jobs import names


def test_names_of_one_process_begin_alike_and_are_those_of_its_host() -> None:
    made = {names.new_name() for _ in range(100)}
    assert len(made) == 100
    assert all(name.startswith(f"{socket.gethostname()}-{os.getpid()}-") for name in made)
    assert all(name.startswith(names.beginning(os.getpid())) for name in made)
    assert all(re.search(names.pattern_of(socket.gethostname()), name) for name in made)
    assert not any(name.startswith(names.beginning(os.getpid() // 10)) for name in made)
    assert not any(re.search(names.pattern_of("another"), name) for name in made)
    assert re.search(names.pattern_of("a.b"), "a.b-1-0f")
    assert not re.search(names.pattern_of("a.b"), "axb-1-0f")
