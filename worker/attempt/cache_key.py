"""The keys under which jobs share what they have computed."""

import hashlib


def cache_key(fingerprint: str, *, owner: str | None) -> str:
    """Return the fingerprint, or, with an `owner`, a key that only this owner's jobs look up."""
    if owner is None:
        return fingerprint
    return hashlib.sha256(f"{fingerprint} {owner}".encode()).hexdigest()
