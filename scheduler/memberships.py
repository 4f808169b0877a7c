"""Asks the identity provider, again and again, whether people who have signed in still are in their groups.

It runs in a thread of the scheduler. Several schedulers share the work. A provider that does not answer
for two people one after the other ends the round: what is due waits, and keys go on until its last word is
too old. For one alone the fault may be theirs, and must not keep all others from being checked.
"""

import logging
from collections.abc import Callable

from sqlalchemy.orm import Session, sessionmaker

from jobs.access import people
from jobs.access.oidc import Identity, Provider, ProviderUnavailable, Refused, Untrusted, granted
from jobs.access.people import DueCheck, Terms
from jobs.database import DATABASE_UNAVAILABLE
from jobs.monitoring.catalogue import MEMBERSHIP_CHECKS
from jobs.retry import retry
from jobs.settings import Settings
from jobs.webhooks.encryption import SecretBox, Unreadable
from scheduler.background import Background

log = logging.getLogger(__name__)

_LONGEST_PAUSE = 15.0


class MembershipChecks(Background):
    """Checks everybody who is due, in rounds."""

    name = "memberships"
    put_off_by = (*DATABASE_UNAVAILABLE, ProviderUnavailable)

    def __init__(self, database: sessionmaker[Session], settings: Settings, provider: Provider) -> None:
        """`settings` says how often somebody is checked, and what groups are granted."""
        super().__init__(min(_LONGEST_PAUSE, settings.oidc_check_seconds / 4))
        self._database = database
        self._settings = settings
        self._provider = provider
        self._terms = Terms.of(settings)
        self._secrets = SecretBox(settings.secret_keys)

    def reason(self, error: Exception) -> str:
        """Return why a round is put off; for the provider, with its answer."""
        return str(error) if isinstance(error, ProviderUnavailable) else super().reason(error)

    def round(self) -> None:
        """Check whoever is due, the longest waiting first. Raises ProviderUnavailable."""
        unanswered: ProviderUnavailable | None = None
        while not self._between.stopped:
            with self._database.begin() as session:
                due = people.take_due(session, self._provider.issuer, self._terms.check_every)
            if due is None:
                break
            try:
                self._check(due)
            except ProviderUnavailable as error:
                log.warning("person %s could not be checked: %s", due.person_id, error)
                if unanswered is not None:
                    raise
                unanswered = error
            else:
                unanswered = None
        if unanswered is not None:
            raise unanswered

    def _check(self, due: DueCheck) -> None:
        try:
            identity = self._ask(due)
        except Refused:
            MEMBERSHIP_CHECKS.record(outcome="refused")
            self._record(lambda session: people.suspend(session, due))
            log.info("person %s rests until the next sign-in: the provider refuses", due.person_id)
            return
        except Unreadable:  # says nothing of the person: keys are being replaced, and one is missing here
            MEMBERSHIP_CHECKS.record(outcome="unreadable")
            log.error(
                "person %s cannot be checked: no key of PRUNESERVE_SECRET_KEYS decrypts their refresh token. "
                "Put back the key that was taken out, behind the others, restart, and run `pruneserve-admin "
                "reencrypt` before you take it out again",
                due.person_id,
            )
            return
        except Untrusted as error:
            MEMBERSHIP_CHECKS.record(outcome="untrusted")
            log.warning("person %s: what the provider says is not accepted: %s", due.person_id, error)
            return
        except ProviderUnavailable as error:
            MEMBERSHIP_CHECKS.record(outcome="unavailable")
            if (token := error.refresh_token) is not None:
                self._record(lambda session: people.keep_refresh_token(session, due, token, self._secrets))
            raise
        MEMBERSHIP_CHECKS.record(outcome="confirmed")
        grants = granted(identity.groups, self._settings.oidc_groups)
        self._record(
            lambda session: people.confirm(session, due, identity, grants, self._terms, self._secrets)
        )

    def _record(self, answer: Callable[[Session], object]) -> None:
        """Record an answer, however long the database is away.

        The provider may have taken back the refresh token that is stored, for the one in its answer: without
        that it would refuse at the next check. An answer that is there already changes nothing.
        """

        def record() -> None:
            with self._database.begin() as session:
                answer(session)

        retry(record, on=DATABASE_UNAVAILABLE, check=lambda: None)

    def _ask(self, due: DueCheck) -> Identity:
        refresh_token = self._secrets.decrypt(due.refresh_token).decode()
        return self._provider.refresh(refresh_token, due.subject)
