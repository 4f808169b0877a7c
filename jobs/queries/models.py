"""Search an owner's models by a part of their names."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.tables import Job


def models_containing(session: Session, owner: str, text: str, *, limit: int) -> Sequence[str]:
    """Return the models of the owner's jobs whose names contain `text`, ignoring case, sorted by name.

    A loose index scan: the recursive query finds the first row of each model in the index and skips to the
    next model, so the cost grows with the number of models and not of jobs. PostgreSQL does not do that for
    DISTINCT.
    """
    models = (
        select(func.min(Job.model).label("model")).where(Job.owner == owner).cte("models", recursive=True)
    )
    following = (
        select(func.min(Job.model))
        .where(Job.owner == owner, Job.model > models.c.model)
        .correlate(models)
        .scalar_subquery()
    )
    models = models.union_all(select(following).where(models.c.model.is_not(None)))
    return session.scalars(
        select(models.c.model)
        .where(models.c.model.icontains(text, autoescape=True))
        .order_by(models.c.model)
        .limit(limit)
    ).all()
