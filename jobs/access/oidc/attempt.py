"""One sign-in at the identity provider, from the button to the way back."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attempt:
    """What binds the way back from the provider to the browser that has gone there.

    All of it is derived from a random `seed`, which that browser keeps in a cookie: so the service has to
    remember nothing of people who are not signed in.
    """

    seed: str

    @classmethod
    def begin(cls) -> "Attempt":
        """Return a new one."""
        return cls(secrets.token_urlsafe(32))

    @property
    def state(self) -> str:
        """What the provider hands back in the address."""
        return self._derived("state")

    @property
    def nonce(self) -> str:
        """What the provider writes into the ID token."""
        return self._derived("nonce")

    @property
    def code_verifier(self) -> str:
        """What must be told with the code (PKCE, RFC 7636)."""
        return self._derived("code_verifier")

    @property
    def code_challenge(self) -> str:
        """The hash of `code_verifier`, which the provider is told first."""
        return _unpadded(hashlib.sha256(self.code_verifier.encode()).digest())

    def answers(self, state: str) -> bool:
        """Whether an answer with this state is one to this attempt."""
        return hmac.compare_digest(state.encode("utf-8", "replace"), self.state.encode())

    def _derived(self, purpose: str) -> str:
        return _unpadded(hmac.digest(self.seed.encode("utf-8", "replace"), purpose.encode(), "sha256"))


def _unpadded(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
