"""How a model is measured: its perplexity over text windows, zero-shot tasks, its speed."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from pruning.recipe.datasets import Dataset, WindowLength, refuse_token_files
from pruning.recipe.fields import ErrorMessage, StrictModel
from pruning.recipe.structure import StructureOptions

# It is a part of a condition's name, such as `max_kl.code`.
DomainName = Annotated[
    str,
    Field(pattern=r"^[a-z][a-z0-9-]{0,31}$"),
    ErrorMessage(
        "must be a short name: at most 32 lower-case letters, digits and -, the first a letter, such as code"
    ),
]

# A task's name only: paths and wildcards are refused.
TaskName = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]{0,127}$"),
    ErrorMessage(
        "must be a task's name: at most 128 letters, digits and _ . + -, the first a letter or a digit"
    ),
]

Speed = Literal["auto", "on", "off"]


class Evaluation(StrictModel):
    """Perplexity over windows of text that do not overlap, as in the reference."""

    dataset: Dataset = Field(
        "wikitext2", description="The text of the perplexity; it should not be the calibration text."
    )
    domains: dict[DomainName, Dataset] = Field(
        {},
        max_length=16,
        description="A text for each domain, by a name of your choice: the report has perplexity, KL and "
        "agreement on each, and `gate.domains` may limit them.",
        examples=[{"code": "builtin-code", "math": "builtin-math"}],
    )
    sequence_length: WindowLength = None
    windows: int | None = Field(
        None,
        ge=1,
        le=100_000,
        description="Only the first windows of each text; all when left out. A domain's text may have fewer.",
    )
    add_bos_token: bool = Field(
        False,
        description="Begin each window with the token that the model's tokenizer puts before a text, as "
        "calibration.add_bos_token does.",
    )

    tasks: tuple[TaskName, ...] = Field(
        (),
        max_length=32,
        strict=False,
        description="Zero-shot tasks of lm-evaluation-harness, or of the operator's own, such as hellaswag.",
    )
    task_limit: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="Only the first examples of each task, up to this number; all when left out.",
    )

    speed: Speed = Field(
        "auto",
        description="Whether to measure tokens per second and peak memory on the worker, the dense model "
        "next to the result: `on`, `off`, or `auto`: of a smaller model (`structure`) only, because zeros "
        "alone make nothing faster.",
    )

    @field_validator("domains")
    @classmethod
    def _sort_domains(cls, domains: dict[str, str]) -> dict[str, str]:
        """Sort by name: PostgreSQL's JSON keeps no order, and the texts are measured in one."""
        return dict(sorted(domains.items()))

    @field_validator("add_bos_token")
    @classmethod
    def _validate_bos_with_token_files(cls, wanted: bool, info: ValidationInfo) -> bool:
        if wanted:
            refuse_token_files((info.data.get("dataset"), *info.data.get("domains", {}).values()))
        return wanted

    def measures_speed(self, structure: StructureOptions | None) -> bool:
        """Whether the speed of a result is measured. `structure`: of its recipe."""
        return structure is not None if self.speed == "auto" else self.speed == "on"

    @property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """Pairs of a request's field and the dataset that it names: of `dataset`, then of each domain."""
        domains = ((f"evaluation.domains.{name}", dataset) for name, dataset in self.domains.items())
        return (("evaluation.dataset", self.dataset), *domains)
