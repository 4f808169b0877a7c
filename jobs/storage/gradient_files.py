"""Gradient norms that owners keep: the results of their gradient jobs, and files that they have uploaded.

No other owner can name them, they count towards the quota of its files, and only their owner deletes them. A
request names them as `gradient:<job>` or `upload:<id>`, a stored job by their content, as it does with texts.
"""

from typing import TypeVar
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from jobs.spec.job import JobSpec
from jobs.states import JobState
from jobs.storage.owned_files import UnknownReference, content_reference
from jobs.tables import Artifact, Job, Upload
from pruning.recipe import NORMS_ONLY, Recipe, content_name, gradient_job, is_upload

FORMAT = "safetensors"
"""The format of an upload that holds gradient norms."""

Row = TypeVar("Row")

_FIELD = "gradients"


def used_bytes(session: Session, owner: str) -> int:
    """Return what an owner's quota counts: the bytes of its uploads and of its computed gradient norms."""
    computed = (
        select(func.coalesce(func.sum(Artifact.size), 0))
        .join(Job, Job.id == Artifact.job_id)
        .where(Job.owner == owner, Job.method == NORMS_ONLY)
    )
    uploaded = select(func.coalesce(func.sum(Upload.size), 0)).where(Upload.owner == owner)
    return int(session.scalar(computed) or 0) + int(session.scalar(uploaded) or 0)


def resolved(session: Session, owner: str, recipe: Recipe) -> str:
    """Return the recipe's gradient norms by their content, which the transaction keeps from being deleted.

    Raises `UnknownReference` for norms that the owner lacks, or that are certain not to fit the recipe.
    """
    named = recipe.gradients or ""
    if (job_id := gradient_job(named)) is not None:
        return _norms_of_job(session, owner, job_id, recipe)
    if is_upload(named):
        upload = session.scalar(
            _key_share_lock(select(Upload)).where(
                Upload.owner == owner, Upload.id == UUID(named.partition(":")[2]), Upload.format == FORMAT
            )
        )
        if upload is None:
            raise _refused(recipe, "must be one of your uploads, of gradient norms")
        return content_reference(upload.sha256, FORMAT)
    file = by_content(session, owner, named)
    if file is None:
        raise _refused(recipe, "must be gradient norms of yours: there are none with this content")
    if isinstance(file, Artifact):
        _check(JobSpec.model_validate(session.get_one(Job, file.job_id).spec).recipe, recipe)
    return named


def by_content(session: Session, owner: str, named: str) -> Artifact | Upload | None:
    """Return a file of the owner's with the content that a stored job names, which cannot be deleted now."""
    name = content_name(named)
    sha256 = name.partition(".")[0] if name else ""
    computed = (
        select(Artifact)
        .join(Job, Job.id == Artifact.job_id)
        .where(Job.owner == owner, Job.method == NORMS_ONLY, Artifact.sha256 == sha256)
        .limit(1)
        .with_for_update(read=True, key_share=True, of=Artifact)
    )
    uploaded = _key_share_lock(select(Upload)).where(
        Upload.owner == owner, Upload.format == FORMAT, Upload.sha256 == sha256
    )
    return session.scalar(computed) or session.scalar(uploaded)


def _norms_of_job(session: Session, owner: str, job_id: UUID, recipe: Recipe) -> str:
    job = session.scalar(select(Job).where(Job.id == job_id, Job.owner == owner, Job.method == NORMS_ONLY))
    if job is None:
        raise _refused(recipe, "must be one of your gradient jobs")
    if job.state != JobState.SUCCEEDED:
        raise _refused(recipe, f"must name a gradient job that has succeeded; this one is {job.state}")
    file = session.scalar(_key_share_lock(select(Artifact)).where(Artifact.job_id == job_id))
    if file is None:
        raise _refused(recipe, "names norms that were deleted; compute them again")
    _check(JobSpec.model_validate(job.spec).recipe, recipe)
    return content_reference(file.sha256, FORMAT)


def _refused(recipe: Recipe, message: str) -> UnknownReference:
    return UnknownReference(_FIELD, recipe.gradients or "", message)


def _check(computed: Recipe, recipe: Recipe) -> None:
    """Compare what is known without the file. The worker compares the weights themselves, and the shapes."""
    if computed.model.id != recipe.model.id:
        raise _refused(recipe, "names norms of another model; they must be of the model of this job")
    missing = sorted(recipe.gradient_norms - set(computed.norms))
    if missing:
        has = " and ".join(computed.norms)
        raise _refused(recipe, f"names norms that are {has}, and this job needs {' and '.join(missing)}")


def _key_share_lock(query: Select[Row]) -> Select[Row]:
    """Lock what a query finds: a deletion waits for it, and then sees the job that names it."""
    return query.with_for_update(read=True, key_share=True)
