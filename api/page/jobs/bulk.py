"""Several jobs at once: chosen by the list's boxes, confirmed on a page of its own, done with one form."""

from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query, Response, status
from fastapi.responses import RedirectResponse

from api.page.base.owners import Owner
from api.page.base.render import page
from api.resources import Database, Parts
from api.security.auth import Writer
from jobs.lifecycle import lifecycle
from jobs.queries import queries
from jobs.states import JobState

router = APIRouter(include_in_schema=False)

_MOST = 200


class Action(StrEnum):
    """What can be done to several jobs."""

    CANCEL = "cancel"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class _Rule:
    """On which jobs an action does something, and how it reads."""

    states: tuple[JobState, ...]
    question: str
    consequence: str


RULES = {
    Action.CANCEL: _Rule(
        (JobState.QUEUED, JobState.RUNNING),
        "Cancel these jobs?",
        "Queued jobs will not be run; running ones stop at their next block. None gives a result.",
    ),
    Action.RETRY: _Rule(
        (JobState.FAILED, JobState.CANCELLED),
        "Run these jobs again?",
        "They go back to the queue, and go on from the blocks that they have finished.",
    ),
}

Chosen = Annotated[list[UUID], Query(max_length=_MOST)]


@router.get("/jobs/bulk")
def confirm(
    action: Action,
    who: Writer,
    owner: Owner,
    database: Database,
    job: Chosen = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Ask, with the jobs that it would change."""
    with database.begin() as session:
        chosen = [found for job_id in dict.fromkeys(job) if (found := queries.get(session, owner, job_id))]
    rule = RULES[action]
    affected = [found for found in chosen if found.state in rule.states]
    return page(
        "bulk.html",
        action=action,
        rule=rule,
        affected=affected,
        left_out=len(chosen) - len(affected),
        owner=owner,
        who=who,
    )


@router.post("/jobs/bulk")
def apply(
    action: Annotated[Action, Form()],
    who: Writer,
    owner: Owner,
    parts: Parts,
    job: Annotated[list[UUID], Form(max_length=_MOST)] = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Do it, each job by itself: one that has moved on meanwhile is left as it is."""
    # In the order of their age, so that two requests over the same jobs cannot wait for each other.
    for job_id in sorted(set(job)):
        with suppress(lifecycle.Conflict), parts.database.begin() as session:
            if action == Action.CANCEL:
                lifecycle.cancel(session, owner, job_id)
            else:
                lifecycle.retry(session, owner, job_id, max_queued=parts.settings.max_queued_jobs)
    return RedirectResponse("/jobs", status.HTTP_303_SEE_OTHER)
