"""How many files a worker's process may have open."""

import resource

_MOST = 65536


def allow_many_open_files() -> None:
    """Raise this process's limit of open files as far as the system allows: models have many files.

    The usual limit, 1,024, is there for programs that use `select`.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST if hard == resource.RLIM_INFINITY else min(hard, _MOST)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
