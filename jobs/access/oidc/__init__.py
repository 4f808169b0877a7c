"""OpenID Connect: who somebody is, and in which groups, as the operator's identity provider says."""

from jobs.access.oidc.answers import Identity, ProviderUnavailable, Refused, Untrusted
from jobs.access.oidc.attempt import Attempt
from jobs.access.oidc.groups import granted
from jobs.access.oidc.provider import Provider

__all__ = ["Attempt", "Identity", "Provider", "ProviderUnavailable", "Refused", "Untrusted", "granted"]
