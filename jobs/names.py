"""The names of workers and schedulers: unique across machines, with host and process."""

import os
import secrets
import socket


def new_name() -> str:
    """Return a name for this process."""
    return f"{beginning(os.getpid())}{secrets.token_hex(3)}"


def beginning(process: int) -> str:
    """Return how the names of a process of this machine begin, by its id."""
    return f"{socket.gethostname()}-{process}-"


def pattern_of(host: str) -> str:
    """Return a regular expression of PostgreSQL for all names of a host."""
    escaped = "".join(letter if letter.isalnum() else f"[{letter}]" for letter in host)
    return f"^{escaped}-[0-9]+-[0-9a-f]+$"
