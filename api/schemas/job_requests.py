"""The requests that create and list jobs.

`pruning.recipe` and `jobs.spec` define the fields of a job. The request and the responses are made of their
types, so a field that is added there appears here, in the OpenAPI document and in the form.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field

from api.schemas.base import PageQuery
from jobs import queries
from jobs.spec.gate import GateState
from jobs.spec.job import JobOptions, JobSpec, Labels, Priority
from jobs.states import JobState
from jobs.tables import Job
from pruning.recipe import METHODS, NORMS_ONLY, PRESETS, STRUCTURE_ONLY, Recipe, Text

_PRIORITY = "Your queued job with the highest priority runs first. It orders your own jobs only."


def _shorthand_and_examples(schema: dict[str, Any]) -> None:
    model = schema["properties"]["model"]
    schema["properties"]["model"] = {
        "anyOf": [{"type": "string"}, {"$ref": model["$ref"]}],
        "description": model["description"],
    }
    schema["examples"] = [
        {"model": "HuggingFaceTB/SmolLM2-135M", "method": "gblm", "sparsity": 0.5},
        {
            "model": {"id": "HuggingFaceTB/SmolLM2-135M", "revision": "main"},
            "method": {"name": "gblm", "norm": "l2", "alpha": 100.0},
            "pattern": "2:4",
            "calibration": {"dataset": "c4", "samples": 128, "sequence_length": 2048, "seed": 0},
            "dtype": "bfloat16",
            "evaluation": {"dataset": "wikitext2"},
            "save_masks": True,
            "gate": {"max_perplexity_increase": 0.05},
            "labels": {"team": "search", "commit": "5f3e9a1"},
        },
    ]


class JobRequest(JobOptions, Recipe):
    """What to prune and how. Model, method and sparsity are enough: every other field has a default."""

    model_config = ConfigDict(json_schema_extra=_shorthand_and_examples)

    labels: Labels = Field({}, description="Names and values of your own, to find the job by.")
    priority: Priority = Field(0, description=_PRIORITY)

    def spec(self) -> JobSpec:
        """Return what is stored with the job and read by the worker."""
        # A recipe's own validators have seen these values: this class has inherited them.
        recipe = Recipe.model_construct(**{name: getattr(self, name) for name in Recipe.model_fields})
        return JobSpec(recipe=recipe, **{name: getattr(self, name) for name in JobOptions.model_fields})


class CompleteRequest(JobRequest):
    """The request for a job with every default filled in: `POST /v1/jobs` takes it as it is."""

    model_config = ConfigDict(json_schema_extra={})

    @classmethod
    def of(cls, job: Job) -> "CompleteRequest":
        """Return the request for a stored job."""
        spec = JobSpec.model_validate(job.spec)
        of_recipe = {name: getattr(spec.recipe, name) for name in Recipe.model_fields}
        options = {name: getattr(spec, name) for name in JobOptions.model_fields}
        # It was validated as a specification, by the validators that this class has inherited.
        return cls.model_construct(**of_recipe, **options, **request_metadata(job))


def request_metadata(job: Job) -> dict[str, Any]:
    """Return the fields of a job's request that its worker need not know."""
    return {"labels": job.labels, "priority": job.priority}


METHOD_NAMES = (
    *METHODS,
    *PRESETS,
    STRUCTURE_ONLY,
    NORMS_ONLY,
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
    gate: GateState | None = Field(None, description="Jobs whose gate is passed, failed or inconclusive.")
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
