"""Which jobs to list."""

from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from api.schemas.pages import PageQuery
from jobs.queries import queries
from jobs.spec.gate import GateState
from jobs.states import JobState
from pruning.recipe import GRADIENTS_ONLY, METHODS, PRESETS, STRUCTURE_ONLY, Text

METHOD_NAMES = (
    *METHODS,
    *(name for name, preset in PRESETS.items() if preset.is_combination),
    STRUCTURE_ONLY,
    GRADIENTS_ONLY,
)
"""What jobs are listed by as their method."""


def _known_method(name: str) -> str:
    if name not in METHOD_NAMES:
        raise ValueError(f"must be one of {', '.join(METHOD_NAMES)}")
    return name


KnownMethod = Annotated[Text, AfterValidator(_known_method)]


def _label(term: str) -> str:
    name, equals, value = term.partition("=")
    if not (name and equals and value):
        raise ValueError("must be written name=value")
    return term


MAX_MODELS = 20
"""A search lists the jobs of at most this many models."""


class JobListQuery(PageQuery):
    """Which jobs to list."""

    state: list[JobState] = Field(
        [], max_length=len(JobState), description="Jobs in this state; repeat it to list several states."
    )
    method: KnownMethod | None = Field(None, description="Jobs with this pruning method.")
    model: Text | None = Field(None, description="Jobs that prune the model with exactly this id.")
    search: Text | None = Field(
        None, description=f"Jobs whose model's name contains this; of the first {MAX_MODELS} models by name."
    )
    gate: GateState | None = Field(None, description="Jobs that passed, or that failed, their gate.")
    since: AwareDatetime | None = Field(None, description="Jobs that were submitted at this time or later.")
    until: AwareDatetime | None = Field(None, description="Jobs that were submitted before this time.")
    order: Literal["newest", "oldest"] = Field("newest", description="Which jobs come first.")
    label: list[Annotated[Text, AfterValidator(_label)]] = Field(
        [], max_length=4, description="Jobs with this label, as `name=value`; if repeated, with all of them."
    )

    def filter(self) -> queries.JobFilter:
        """Return the filter for the database."""
        labels = tuple((name, value) for name, _, value in (term.partition("=") for term in self.label))
        return queries.JobFilter(
            tuple(dict.fromkeys(self.state)),
            self.method,
            self.model,
            self.gate,
            labels,
            since=self.since,
            until=self.until,
            oldest_first=self.order == "oldest",
        )
