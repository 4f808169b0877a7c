"""Labels: names and values that clients give their jobs to find them again. They have no other effect."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import insert
from sqlalchemy.orm import Session

from jobs.tables import JobLabel
from pruning.recipe import ErrorMessage, Text

LabelName = Annotated[
    Text,
    Field(max_length=63, pattern=r"^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$"),
    ErrorMessage(
        "must be at most 63 letters, digits and . _ / -, the first and the last a letter or a digit"
    ),
]
LabelValue = Annotated[Text, Field(max_length=255)]
Labels = Annotated[dict[LabelName, LabelValue], Field(max_length=16)]


def index_labels(session: Session, owner: str, job_id: UUID, labels: Mapping[str, str]) -> None:
    """Index the labels of a new job."""
    if labels:
        rows = [
            {"job_id": job_id, "owner": owner, "name": name, "value": value} for name, value in labels.items()
        ]
        session.execute(insert(JobLabel), rows)
