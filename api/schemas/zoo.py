"""What the zoo tells of an entry. Everybody on this service may read it, so it holds no path of a machine."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, Field

from api.schemas.jobs import Perplexity
from jobs.spec.gate import Verdict
from jobs.spec.job import JobSpec
from jobs.tables import Artifact
from jobs.zoo import Shown
from pruning.recipe import is_local


class ZooItem(BaseModel):
    """An entry as it appears in the list."""

    slug: str = Field(examples=["smollm2-135m-gblm-50-1c0ffee5"])
    url: str = Field(description="Of its facts, relative to this service.")
    page: str = Field(description="Of its page.")
    model: str = Field(description="The dense model: a Hub id, or the name of a local directory.")
    method: str
    pattern: str
    sparsity: float = Field(description="As asked for.")
    perplexity: Perplexity
    size: int = Field(description="Bytes of all files.")
    gate: Verdict | None
    note: str
    promoted_by: str
    promoted_at: datetime

    @classmethod
    def of(cls, shown: Shown, **more: Any) -> Self:  # noqa: ANN401 - the fields that a subclass adds
        """The entry of a row."""
        entry, job = shown.entry, shown.job
        return cls(
            slug=entry.slug,
            url=f"/v1/zoo/{entry.slug}",
            page=f"/zoo/{entry.slug}",
            model=public_name(job.model),
            method=job.method,
            pattern=job.pattern,
            sparsity=job.sparsity,
            perplexity=Perplexity(dense=job.dense_perplexity, pruned=job.pruned_perplexity),
            size=shown.size,
            gate=Verdict.model_validate(job.gate) if job.gate else None,
            note=entry.note,
            promoted_by=entry.promoted_by,
            promoted_at=entry.promoted_at,
            **more,
        )


class ZooFile(BaseModel):
    """One file of the pruned model."""

    id: UUID
    name: str
    size: int = Field(description="Bytes.")
    sha256: str
    url: str = Field(description="Where its content is, relative to this service.")


class Lineage(BaseModel):
    """Where the model comes from."""

    job: UUID
    recipe_fingerprint: str = Field(description="Equal fingerprints mean equal masks.")
    base_model: str
    commit: str | None = Field(description="Of the dense model on the Hub.")
    digest: str | None = Field(description="Of the content of a local one.")
    architecture: str | None
    parameters: int | None
    pruneserve: str | None = Field(description="The version that pruned it.")
    submitted_at: datetime
    succeeded_at: datetime | None


class ZooDetail(ZooItem):
    """Everything about an entry."""

    measured_sparsity: float = Field(description="The share of zeros in the pruned layers.")
    evaluation: str = Field(description="The text that the perplexity was measured on.")
    method_options: dict[str, Any]
    lineage: Lineage
    files: list[ZooFile]
    load: str = Field(description="Python that loads the model from a directory with the files.")

    @classmethod
    def with_files(cls, shown: Shown, files: Sequence[Artifact]) -> Self:
        """The entry of a row and its files."""
        job, report = shown.job, shown.job.report or {}
        spec = JobSpec.model_validate(job.spec)
        model, environment = report.get("model", {}), report.get("environment", {})
        return cls.of(
            shown,
            measured_sparsity=report["sparsity"]["overall"],
            evaluation=public_name(spec.evaluation.dataset),
            method_options=spec.recipe.method.model_dump(mode="json"),
            lineage=Lineage(
                job=job.id,
                recipe_fingerprint=job.recipe_fingerprint,
                base_model=public_name(job.model),
                commit=model.get("commit"),
                digest=model.get("digest"),
                architecture=model.get("architecture"),
                parameters=model.get("parameters"),
                pruneserve=environment.get("pruneserve"),
                submitted_at=job.created_at,
                succeeded_at=job.succeeded_at,
            ),
            files=[
                ZooFile(
                    id=file.id,
                    name=file.name,
                    size=file.size,
                    sha256=file.sha256,
                    url=f"/v1/zoo/{shown.entry.slug}/files/{file.id}/content",
                )
                for file in files
            ],
            load=_LOAD.format(slug=shown.entry.slug),
        )


class ZooPage(BaseModel):
    """A page of the zoo."""

    items: list[ZooItem]
    next_cursor: str | None = Field(description="Pass it as `cursor` for the next page; null on the last.")


_LOAD = """from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("{slug}")
tokenizer = AutoTokenizer.from_pretrained("{slug}")
"""


def public_name(reference: str) -> str:
    """A Hub id or a dataset as it is; of a path only its last part, which says enough to who knows it."""
    return reference.rstrip("/").rpartition("/")[2] if is_local(reference) else reference
