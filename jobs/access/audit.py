"""The audit log: what an operator may have to account for, in a table that rows are only added to.

A record of keys, webhooks and the zoo is written in the transaction that changes them, so neither is there
without the other. Each record is also a line of JSON on the logger `audit`, for a collector of logs; where a
transaction fails afterwards, the line remains. Of failed sign-ins some are such lines alone, without an id.
"""

import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, insert, select
from sqlalchemy.orm import Session

from jobs.access.api_keys import Principal
from jobs.spec.plain_text import plain
from jobs.tables import AuditRecord, page

log = logging.getLogger("audit")

_READ_LOG_INTERVAL = timedelta(hours=1)

OPERATOR = "pruneserve-manage"
"""In place of an address: the operator's command line."""


class Action(StrEnum):
    """What is recorded."""

    KEY_CREATED = "key.created"
    KEY_REVOKED = "key.revoked"
    SIGN_IN_FAILED = "sign-in.failed"
    SIGN_IN_SUCCEEDED = "sign-in.succeeded"
    OTHERS_READ = "others.read"
    OTHERS_CHANGED = "others.changed"
    ZOO_PROMOTED = "zoo.promoted"
    ZOO_WITHDRAWN = "zoo.withdrawn"
    WEBHOOK_CREATED = "webhook.created"
    WEBHOOK_CHANGED = "webhook.changed"
    WEBHOOK_DELETED = "webhook.deleted"
    WORKER_CORDONED = "worker.cordoned"
    WORKER_UNCORDONED = "worker.uncordoned"
    WORKER_DRAINED = "worker.drained"
    QUEUE_PAUSED = "queue.paused"
    QUEUE_RESUMED = "queue.resumed"
    SHARE_CHANGED = "share.changed"


def record(
    session: Session, action: Action, principal: Principal, subject: str, subject_owner: str | None = None
) -> None:
    """Record that `principal` did something to `subject`, which belongs to `subject_owner`."""
    _insert(
        session, _values(action, principal.owner, principal.key_id, principal.address, subject, subject_owner)
    )


def record_read(
    session: Session, principal: Principal, subject: str, subject_owner: str | None = None
) -> None:
    """Record that `principal` read what others own, unless the same read was recorded in the last hour.

    It is the same with the same key, from the same address, at the same subject: a program that polls causes
    one record per hour, and a leaked key that is used elsewhere another one.
    """
    values = _values(
        Action.OTHERS_READ, principal.owner, principal.key_id, principal.address, subject, subject_owner
    )
    same = [getattr(AuditRecord, name).is_not_distinct_from(value) for name, value in values.items()]
    # Ids are made from the clock, so the primary key finds the records of the last hour; as a subquery, since
    # PostgreSQL would compute a volatile function for every row.
    an_hour_ago = select(func.uuidv7(-_READ_LOG_INTERVAL)).scalar_subquery()
    if not session.scalar(select(exists().where(AuditRecord.id > an_hour_ago, *same))):
        _insert(session, values)


def record_of_operator(session: Session, action: Action, subject: str, subject_owner: str) -> None:
    """Record an action on the service's own command line, which needs no key."""
    _insert(session, _values(action, None, None, OPERATOR, subject, subject_owner))


def record_failure(session: Session, address: str, subject: str) -> None:
    """Record that a request from `address` could not be authenticated."""
    _insert(session, _values(Action.SIGN_IN_FAILED, None, None, address, subject, None))


def log_failure(address: str, subject: str) -> None:
    """Write the line of a failure that gets no record: the table has enough of them."""
    values = _values(Action.SIGN_IN_FAILED, None, None, address, subject, None)
    _log(None, datetime.now(UTC), values)


def newest(session: Session, *, before: UUID | None, limit: int) -> Sequence[AuditRecord]:
    """Return a page of the records, newest first."""
    return session.scalars(page(select(AuditRecord), AuditRecord.id, before, limit)).all()


def _insert(session: Session, values: dict[str, Any]) -> None:
    written = session.execute(
        insert(AuditRecord).values(values).returning(AuditRecord.id, AuditRecord.at)
    ).one()
    _log(str(written.id), written.at, values)


def _log(record_id: str | None, at: datetime, values: dict[str, Any]) -> None:
    log.info(json.dumps({"id": record_id, "at": at.isoformat(), **values}, default=str))


def _values(
    action: Action,
    owner: str | None,
    key_id: UUID | None,
    address: str,
    subject: str,
    subject_owner: str | None,
) -> dict[str, Any]:
    return {
        "action": action.value,
        "owner": owner,
        "key_id": key_id,
        "address": address,
        "subject": plain(subject),  # it may quote an address chosen by a client
        "subject_owner": subject_owner,
    }
