"""Several jobs at once: selected in the list, confirmed on a page of its own, changed by one form."""

from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query, Response, status
from fastapi.responses import RedirectResponse

from api.actions import jobs
from api.actions.waiting import WaitingReasons
from api.page.base.owners import Owner
from api.page.base.render import page
from api.problems.problems import JobEnded, NotFound, NotRetriable
from api.resources import Database, Resources
from api.security.auth import Writer
from jobs.queries import queries
from jobs.states import JobState

router = APIRouter(include_in_schema=False)

_MAX_JOBS = 200


class Action(StrEnum):
    """What can be done to several jobs."""

    CANCEL = "cancel"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class _Rule:
    """Which jobs an action changes, and how the page asks for confirmation."""

    states: tuple[JobState, ...]
    question: str
    consequence: str


RULES = {
    Action.CANCEL: _Rule(
        (JobState.QUEUED, JobState.RUNNING),
        "Cancel these jobs?",
        "Queued jobs will not run, and running jobs stop at their next step. None of them produces a result.",
    ),
    Action.RETRY: _Rule(
        (JobState.FAILED, JobState.CANCELLED),
        "Run these jobs again?",
        "They go back to the queue and continue after the blocks that they have finished.",
    ),
}

Selected = Annotated[list[UUID], Query(max_length=_MAX_JOBS)]


@router.get("/jobs/bulk")
def confirm(
    action: Action,
    principal: Writer,
    owner: Owner,
    database: Database,
    job: Selected = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Ask for confirmation, and list the jobs that would change."""
    with database.begin() as session:
        selected = [found for job_id in dict.fromkeys(job) if (found := queries.get(session, owner, job_id))]
    rule = RULES[action]
    affected = [found for found in selected if found.state in rule.states]
    return page(
        "jobs/bulk.html",
        action=action,
        rule=rule,
        affected=affected,
        left_out=len(selected) - len(affected),
        owner=owner,
        principal=principal,
    )


@router.post("/jobs/bulk")
def apply(
    action: Annotated[Action, Form()],
    principal: Writer,
    owner: Owner,
    resources: Resources,
    job: Annotated[list[UUID], Form(max_length=_MAX_JOBS)] = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Cancel or retry each job by itself. A job whose state has changed in the meantime is skipped."""
    reasons = WaitingReasons.told_to(principal, resources)
    # In the order of their ids, so that two requests with the same jobs cannot deadlock.
    for job_id in sorted(set(job)):
        with suppress(NotFound, JobEnded, NotRetriable):
            if action == Action.CANCEL:
                jobs.cancel(resources.database, owner, job_id, reasons)
            else:
                jobs.retry(resources, owner, job_id, reasons)
    return RedirectResponse("/jobs", status.HTTP_303_SEE_OTHER)
