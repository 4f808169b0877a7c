"""People who sign in with the operator's identity provider, their memberships, and how they end.

A membership of an owner is a row among the API keys that has no secret. Page sessions are opened with it, and
keys made by it, as by any key; so its end is theirs. The provider's word is renewed by each sign-in and by
each check, and holds for a time: then whatever a person has rests until the next one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from jobs.access import api_keys, audit
from jobs.access.api_keys import Scope
from jobs.access.audit import PROVIDER, Action
from jobs.access.oidc import Identity
from jobs.settings import Settings
from jobs.tables import NOW, SEARCH_NOW, ApiKey, PageSession, Person
from jobs.webhooks.encryption import SecretBox

Grants = Mapping[str, frozenset[Scope]]
"""What somebody may do, by owner."""

_AT_A_TIME = 100


@dataclass(frozen=True, slots=True)
class Terms:
    """For how long the provider's word counts."""

    hold: timedelta
    check_every: timedelta

    @classmethod
    def of(cls, settings: Settings) -> "Terms":
        """Return those of the settings."""
        return cls(
            timedelta(seconds=settings.oidc_membership_seconds),
            timedelta(seconds=settings.oidc_check_seconds),
        )


@dataclass(frozen=True, slots=True)
class DueCheck:
    """Somebody of whom the provider is to be asked."""

    person_id: UUID
    subject: str
    refresh_token: bytes


def admit(
    session: Session,
    identity: Identity,
    grants: Grants | None,
    terms: Terms,
    secrets: SecretBox,
    *,
    address: str,
) -> dict[str, ApiKey]:
    """Record what the provider says of somebody who signs in. Returns their memberships, as in `grants`.

    What they are not granted any more ends: memberships, with their sessions, and keys that they have made.
    An admin may have made any. Somebody unknown who is granted nothing leaves nothing here.

    With None for `grants` the provider has said nothing of groups. Some leave the claim out for people in no
    group, but it may also be a mistake in its settings: all that somebody has rests, and nothing is revoked.
    """
    person, kept = _heard(session, identity, grants, terms, secrets, address=address)
    if person is None or grants is None:
        return {}
    return {
        owner: kept.get(owner)
        or api_keys.add_membership(session, person.id, owner, f"sign-in of {person.name}", scopes)
        for owner, scopes in grants.items()
    }


def confirm(
    session: Session,
    due: DueCheck,
    identity: Identity,
    grants: Grants | None,
    terms: Terms,
    secrets: SecretBox,
) -> bool:
    """Record what the provider says of somebody at a check: as `admit` does, but no membership begins.

    Does nothing, and returns False, where it has said something else meanwhile: this is older.
    """
    if session.scalar(select(Person.id).where(*_as_asked(due)).with_for_update()) is None:
        return False
    _heard(session, identity, grants, terms, secrets, address=PROVIDER)
    return True


def keep_refresh_token(session: Session, due: DueCheck, refresh_token: str, secrets: SecretBox) -> None:
    """Record what the provider has sent before it failed. It has said nothing of the person."""
    session.execute(
        update(Person).where(*_as_asked(due)).values(refresh_token=secrets.encrypt(refresh_token.encode()))
    )


def suspend(session: Session, due: DueCheck) -> bool:
    """Let what somebody has rest, of whom the provider says nothing any more, until they sign in again.

    Does nothing, and returns False, where they have meanwhile.
    """
    return _rest(session, *_as_asked(due), address=PROVIDER)


def take_due(session: Session, issuer: str, every: timedelta) -> DueCheck | None:
    """Return the person who has waited longest for a check that is due, and put off the next one.

    No other scheduler is given the same meanwhile.
    """
    due = (
        select(Person.id)
        .where(Person.issuer == issuer, Person.refresh_token.is_not(None), Person.check_at <= SEARCH_NOW)
        .order_by(Person.check_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    taken = session.execute(
        update(Person)
        .where(Person.id == due.scalar_subquery())
        .values(check_at=NOW + every)
        .returning(Person.id, Person.subject, Person.refresh_token)
    ).one_or_none()
    return None if taken is None else DueCheck(taken.id, taken.subject, taken.refresh_token)


def memberships(session: Session, key_id: UUID) -> dict[str, UUID]:
    """Return by owner the valid memberships of somebody, one of which is `key_id`; none if that is a key.

    A key that they have made may have fewer scopes than they, so it opens no session of theirs.
    """
    of_person = select(ApiKey.person_id).where(ApiKey.id == key_id, api_keys.IS_MEMBERSHIP).scalar_subquery()
    found = session.execute(
        select(ApiKey.owner, ApiKey.id)
        .where(ApiKey.person_id == of_person, api_keys.IS_MEMBERSHIP, api_keys.VALID)
        .order_by(ApiKey.owner)
    )
    return {row.owner: row.id for row in found}


def described(person_id: UUID | None, name: str) -> str:
    """Return somebody as the subject of a record. The name may be another's one day, the id is not."""
    return f"person {person_id}, {name}"


def _heard(
    session: Session,
    identity: Identity,
    grants: Grants | None,
    terms: Terms,
    secrets: SecretBox,
    *,
    address: str,
) -> tuple[Person | None, dict[str, ApiKey]]:
    """Renew the provider's word, and end what goes beyond it. Returns the person and what stays, by owner."""
    named = Person.issuer == identity.issuer, Person.subject == identity.subject
    if grants is None:
        _rest(session, *named, address=address)
        return None, {}
    if not grants and session.scalar(select(Person.id).where(*named)) is None:
        return None, {}
    person = _renewed(session, identity, terms, secrets, member=bool(grants))
    return person, _end_beyond(session, person, grants, address)


def _as_asked(due: DueCheck) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The conditions that nothing has been heard of somebody since the check was taken."""
    return Person.id == due.person_id, Person.refresh_token == due.refresh_token


def _rest(session: Session, *which: ColumnElement[bool], address: str) -> bool:
    """Let what one person has rest from now on. Returns False if there is no such person."""
    person = session.scalars(
        update(Person).where(*which).values(holds_until=NOW, refresh_token=None).returning(Person)
    ).one_or_none()
    if person is None:
        return False
    _end_sessions(session, person.id)
    audit.record_of_provider(
        session, Action.PERSON_SUSPENDED, address, described(person.id, person.name), None
    )
    return True


def _renewed(
    session: Session, identity: Identity, terms: Terms, secrets: SecretBox, *, member: bool
) -> Person:
    """Write and lock somebody's row. Their sessions end where they have been no member until now."""
    token = identity.refresh_token
    word = {
        "name": identity.name,
        "refresh_token": secrets.encrypt(token.encode()) if token and member else None,
        "holds_until": NOW + terms.hold if member else NOW,
        "check_at": NOW + terms.check_every,
    }
    lapsed = select(Person.id).where(
        Person.issuer == identity.issuer, Person.subject == identity.subject, Person.holds_until <= NOW
    )
    if (lapsed_id := session.scalar(lapsed.with_for_update())) is not None:
        _end_sessions(session, lapsed_id)
    values = {"issuer": identity.issuer, "subject": identity.subject, **word}
    written = insert(Person).values(values)
    renewed = written.on_conflict_do_update(index_elements=["issuer", "subject"], set_=word)
    fresh = {"populate_existing": True}
    return session.scalars(renewed.returning(Person), execution_options=fresh).one()


def _end_beyond(session: Session, person: Person, grants: Grants, address: str) -> dict[str, ApiKey]:
    """Revoke what somebody is not granted. Returns the memberships that stay, with the scopes of now."""
    is_admin = any(Scope.ADMIN in scopes for scopes in grants.values())
    known: list[UUID] = []
    kept: dict[str, ApiKey] = {}
    # A key that one of these was making when it was locked is found in the next round.
    while found := session.scalars(_keys_of(person.id, known)).all():
        for key in found:
            if key.created_by is None and key.owner in grants and key.owner not in kept:
                key.scopes = api_keys.ordered(grants[key.owner])
                key.name = f"sign-in of {person.name}"
                kept[key.owner] = key
            elif key.created_by is None or not (is_admin or _may_have(grants, key)):
                _revoke(session, person, key, address)
        known += [key.id for key in found]
        session.flush()
    return kept


def _may_have(grants: Grants, key: ApiKey) -> bool:
    return frozenset(key.scopes) <= grants.get(key.owner, frozenset())


def _keys_of(person_id: UUID, known: list[UUID]) -> Select[ApiKey]:
    return (
        select(ApiKey)
        .where(ApiKey.person_id == person_id, ApiKey.revoked_at.is_(None), ApiKey.id.not_in(known))
        .order_by(ApiKey.id)
        .with_for_update()
    )


def _revoke(session: Session, person: Person, key: ApiKey, address: str) -> None:
    session.execute(update(ApiKey).where(ApiKey.id == key.id).values(revoked_at=NOW))
    if key.created_by is None:
        action, subject = Action.MEMBERSHIP_ENDED, described(person.id, person.name)
    else:
        action, subject = Action.KEY_REVOKED, f"key {key.id}"
    audit.record_of_provider(session, action, address, subject, key.owner)


def _end_sessions(session: Session, person_id: UUID) -> None:
    of_person = select(ApiKey.id).where(ApiKey.person_id == person_id)
    session.execute(delete(PageSession).where(PageSession.api_key_id.in_(of_person)))
