"""The names under which jobs find what earlier ones have computed."""

import hashlib

from jobs.lifecycle.lifecycle import Claim


def shared_name(fingerprint: str, claim: Claim, *, private: bool) -> str:
    """The fingerprint; for what is `private`, one that only the jobs of the same owner come to."""
    if not private:
        return fingerprint
    return hashlib.sha256(f"{fingerprint} {claim.owner}".encode()).hexdigest()
