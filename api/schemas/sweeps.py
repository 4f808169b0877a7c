"""Sweeps: several jobs from one request, or a search for a model within a bound."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from math import isfinite, prod
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from api.schemas.base import JsonBody, Page
from api.schemas.jobs import JobSummary, Waiting
from jobs.states import SweepState
from jobs.sweeps.bisection import Search
from jobs.sweeps.target import Target
from jobs.tables import Job, Sweep
from pruning.recipe import StructureOptions, implies_sparsity
from pruning.recipe.fields import refuse_unprintable

MAX_JOBS = 64
MAX_COMBINATIONS = 16 * MAX_JOBS
"""The most combinations of values: there may be more of them than jobs, as a pattern may fix the sparsity."""

_MASK_FIELDS = ("method", "sparsity", "pattern")

_MAX_DEPTH = 16


def _plain(value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - not yet validated
    """Return a value of which parts may belong to no job. Raises ValueError for what no field takes."""
    if depth > _MAX_DEPTH:
        raise ValueError(f"must not be nested more than {_MAX_DEPTH} deep")
    if isinstance(value, str):
        refuse_unprintable(value)
    elif isinstance(value, float) and not isfinite(value):
        raise ValueError("must have finite numbers")
    elif isinstance(value, dict | list):
        for part in (*value, *value.values()) if isinstance(value, dict) else value:
            _plain(part, depth + 1)
    return value


Values = Annotated[list[Any], Field(max_length=MAX_JOBS), AfterValidator(_plain)]


class Vary(JsonBody):
    """The fields that differ from job to job. Every combination becomes a job.

    An N:M pattern implies its sparsity, so it is combined with no value of `sparsity`. A job without a method
    masks nothing, so it is combined with neither; one that would do nothing at all is left out.
    """

    sparsity: Values = Field([], description="Sparsities to try.", examples=[[0.3, 0.5, 0.7]])
    pattern: Values = Field([], description="Patterns to try.", examples=[["unstructured", "2:4"]])
    method: Values = Field(
        [],
        description="Methods to try, by name or with options; null masks nothing.",
        examples=[["wanda", {"name": "gblm", "norm": "l2"}]],
    )
    structure: Values = Field(
        [],
        description="What to take out of the model; null takes nothing out.",
        examples=[[None, {"mlp_channels": 0.25}, {"kv_heads": 1}]],
    )

    def combinations(self, job: dict[str, Any]) -> Iterator["Combination"]:
        """Yield each job once, in the order of the request."""
        # By place, since values may be large: equal jobs have the same place for each value that they have.
        seen: set[tuple[tuple[str, int], ...]] = set()
        varied = self._varied()
        for choice in product(*varied.values()):
            chosen = dict(zip(varied, choice, strict=True))
            fields = job | {name: value for name, (_, value) in chosen.items()}
            if self.method and fields["method"] is None:
                fields = {name: value for name, value in fields.items() if name not in _MASK_FIELDS}
            elif implies_sparsity(fields.get("pattern")):
                fields.pop("sparsity", None)
            if self.structure and fields.get("structure") is None and fields.get("method") is None:
                continue
            places = tuple((name, index) for name, (index, _) in chosen.items() if name in fields)
            if places not in seen:
                seen.add(places)
                yield Combination(fields, {name: index for name, (index, _) in chosen.items()})

    @property
    def number(self) -> int:
        """The number of combinations of different values."""
        return prod(len(values) for values in self._varied().values())

    def _varied(self) -> dict[str, list[tuple[int, Any]]]:
        """Return the different values of each field that varies, with their places in the request."""
        return {name: _distinct(getattr(self, name)) for name in Vary.model_fields if getattr(self, name)}


@dataclass(frozen=True)
class Combination:
    """The fields of one job of a sweep, and the index in `vary` of every value that differs."""

    fields: dict[str, Any]
    indices: dict[str, int]


def _distinct(values: list[Any]) -> list[tuple[int, Any]]:
    """Return the values without repetitions, each with its first index. They need not be hashable."""
    return [(index, value) for index, value in enumerate(values) if value not in values[:index]]


class SweepRequest(JsonBody):
    """A job, and either what to vary about it or a target to search for."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "job": {"model": "HuggingFaceTB/SmolLM2-135M", "method": "gblm"},
                    "vary": {"sparsity": [0.3, 0.4, 0.5], "pattern": ["unstructured", "2:4"]},
                },
                {
                    "job": {"model": "HuggingFaceTB/SmolLM2-135M", "method": "gblm"},
                    "target": {"max_perplexity_increase": 0.05},
                },
                {
                    "job": {"model": "HuggingFaceTB/SmolLM2-135M"},
                    "target": {"max_bytes": 200_000_000, "format": "gguf"},
                },
            ]
        },
    )

    job: Annotated[dict[str, Any], AfterValidator(_plain)] = Field(
        description="The fields of a job, as in `POST /v1/jobs`, except those that the sweep decides."
    )
    vary: Vary | None = Field(None, description="What to vary; give either this or `target`.")
    target: Target | None = Field(
        None,
        description="Search for the sparsest or smallest model within a bound on perplexity, one job after "
        "the other, or for the best exported file of a size.",
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.vary is None) == (self.target is None):
            raise ValueError("needs either vary or target")
        if self.target is None:
            names = {name for name in Vary.model_fields if self._varies(name)}
        elif self.target.format is not None:
            names = {"gate", "exports"}
        elif self.target.over == "structure":
            names = {"gate"}  # and of `structure` the targets
        else:
            names = {"sparsity", "gate"}
        if twice := sorted(names & self.job.keys()):
            raise ValueError(f"job.{twice[0]} is decided by the sweep; leave it out")
        return self

    def _varies(self, name: str) -> bool:
        return bool(self.vary and getattr(self.vary, name))


class SweepItem(BaseModel):
    """A sweep without its jobs."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="Identifies the sweep.")
    state: SweepState = Field(description="`running` until all of its jobs have ended.")
    error: str | None = Field(description="Why the sweep failed; null if it did not.")
    request: SweepRequest = Field(description="The request, with the defaults of a target filled in.")
    search: Search | None = Field(description="What a search has found so far; null for a sweep with `vary`.")
    created_at: datetime = Field(description="When the sweep was submitted.")
    ended_at: datetime | None = Field(description="When the sweep ended; null while it runs.")


class SweepDetail(SweepItem):
    """A sweep with its jobs."""

    jobs: list[JobSummary] = Field(description="The jobs in the order in which they were created.")
    structures: dict[UUID, StructureOptions] = Field(
        description="What is taken out of the model by the jobs that do so, by their ids."
    )

    @classmethod
    def with_jobs(cls, sweep: Sweep, jobs: Sequence[Job], waiting: Mapping[UUID, Waiting]) -> Self:
        """Build the answer from the rows of a sweep and its jobs, and why those wait that are queued."""
        fields = SweepItem.model_validate(sweep)
        return cls(
            **dict(fields),
            jobs=[JobSummary.of(job, waiting.get(job.id)) for job in jobs],
            structures={job.id: cut for job in jobs if (cut := job.spec["recipe"]["structure"])},
        )


class SweepPage(Page[SweepItem]):
    """A page of your sweeps, newest first."""
