"""Who finds what a job has computed: everybody, or where it is private the same owner."""

from uuid import uuid4

from jobs.lifecycle.lifecycle import Claim
from worker.attempt.cache_key import shared_name


def test_only_the_owner_finds_what_is_private() -> None:
    def name(owner: str, *, private: bool) -> str:
        return shared_name("fingerprint", Claim(uuid4(), 1, uuid4(), owner, {}), private=private)

    assert name("ada", private=False) == name("eve", private=False) == "fingerprint"
    assert name("ada", private=True) == name("ada", private=True)
    assert len({"fingerprint", name("ada", private=True), name("eve", private=True)}) == 3
