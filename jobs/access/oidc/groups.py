"""Maps groups of the identity provider to owners and to what somebody may do there."""

from collections.abc import Iterable, Mapping

from jobs.access.api_keys import ORDINARY_SCOPES, SCOPES, Scope
from jobs.settings import Role

SCOPES_OF: Mapping[Role, frozenset[Scope]] = {
    "reader": frozenset({Scope.JOBS_READ}),
    "writer": frozenset(ORDINARY_SCOPES),
    "admin": frozenset(SCOPES),
}


def granted(
    groups: Iterable[str] | None, mapping: Mapping[str, tuple[str, Role]]
) -> dict[str, frozenset[Scope]] | None:
    """Return the scopes that members of these groups have, by owner, in the order of the mapping.

    Several groups of one owner add up. A group's name must be the same letter by letter. None where the
    groups are not known.
    """
    if groups is None:
        return None
    held = set(groups)
    by_owner: dict[str, frozenset[Scope]] = {}
    for group, (owner, role) in mapping.items():
        if group in held:
            by_owner[owner] = by_owner.get(owner, frozenset()) | SCOPES_OF[role]
    return by_owner
