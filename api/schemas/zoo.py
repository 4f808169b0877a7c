"""Zoo entries, and the public form of a job's report.

Everyone with a key may read both, so they hold no path of a machine and no digest of an upload. The zoo
serves the public report in place of the stored file, which is its owner's.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field

from api.schemas.base import JsonBody, Page, PageQuery
from api.schemas.files import loading_code
from api.schemas.job_requests import KnownMethod
from api.schemas.jobs import Perplexity
from jobs.spec.gate import Verdict
from jobs.spec.job import JobSpec
from jobs.tables import Artifact, Job
from jobs.zoo import ListedEntry, ZooFilter
from pruning.recipe import (
    Pattern,
    StructureOptions,
    Text,
    content_name,
    is_local,
    is_upload,
    refuse_unprintable,
)
from pruning.recipe.methods import Method
from pruning.report import FILE_NAME, ExportFacts, SpeedFacts

__all__ = ["FILE_NAME", "PublicReport", "public_name"]

_AN_UPLOAD = "an uploaded text"
# Window by window and example by example: with the model at hand, a text could be guessed from them.
_OF_THE_TEXT = frozenset({"window_losses", "outcomes"})


@dataclass(frozen=True, slots=True)
class PublicReport:
    """The file, as it is served."""

    content: bytes

    @classmethod
    def of(cls, job: Job) -> "PublicReport":
        """Write the report of a job that has one."""
        names = dict(_private_names(JobSpec.model_validate(job.spec)))
        shown = _renamed(job.report, names)
        if names:  # by its digest the recipe confirms a guess of them
            shown.pop("recipe_fingerprint", None)
        return cls(json.dumps(shown, indent=2, ensure_ascii=False).encode() + b"\n")

    @property
    def sha256(self) -> str:
        """The digest of the content, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


def public_name(reference: str) -> str:
    """Return a Hub id or dataset as it is, of a path only the last part, and of an upload that it is one."""
    if is_upload(reference) or content_name(reference):
        return _AN_UPLOAD
    return reference.rstrip("/").rpartition("/")[2] if is_local(reference) else reference


def _private_names(spec: JobSpec) -> Iterator[tuple[str, str]]:
    """Yield what the specification names and others must not read, each with its replacement."""
    references = [spec.recipe.model.id, *(dataset for _, dataset in spec.texts)]
    for reference in (*references, spec.recipe.gradients or ""):
        if public_name(reference) != reference:
            yield reference, public_name(reference)
        if (content := content_name(reference)) is not None:
            yield content, _AN_UPLOAD
            yield content.partition(".")[0], _AN_UPLOAD


def _renamed(node: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401 - any part of a JSON document
    match node:
        case dict():
            kept = {key: value for key, value in node.items() if key not in _OF_THE_TEXT}
            return {_renamed(key, names): _renamed(value, names) for key, value in kept.items()}
        case list():
            return [_renamed(value, names) for value in node]
        case str():
            # The longest first: a name may begin another.
            for name in sorted(names, key=len, reverse=True):
                node = node.replace(name, names[name])
            return node
    return node


Slug = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,120}$")]


def _lines(text: str) -> str:
    lines = text.replace("\r\n", "\n").strip()
    refuse_unprintable(lines.replace("\n", ""))
    return lines


Note = Annotated[str, Field(max_length=2000), AfterValidator(_lines)]


class PromotionRequest(JsonBody):
    """A job to show in the zoo."""

    job_id: UUID = Field(
        strict=False, description="The job, which must have succeeded and still have its files."
    )
    note: Note = Field("", description="What the model is good for, in a few words.")


class ZooListQuery(PageQuery):
    """Which zoo entries to list."""

    search: Text | None = Field(None, description="Entries whose dense model's name contains this.")
    method: KnownMethod | None = Field(None, description="Entries with this pruning method.")
    pattern: Pattern | None = Field(None, description="Entries with this pattern, such as `2:4`.")

    def filter(self) -> ZooFilter:
        """Return the filter for the database."""
        return ZooFilter(self.search, self.method, self.pattern)


class ZooItem(BaseModel):
    """A zoo entry as it appears in the list."""

    slug: str = Field(description="Identifies the entry.", examples=["smollm2-135m-gblm-50-1c0ffee5"])
    url: str = Field(description="Address of the entry in this API, relative to this service.")
    page: str = Field(description="Address of its page, relative to this service.")
    model: str = Field(description="The dense model: a Hub id, or the name of a local directory.")
    method: str = Field(description="The name of the pruning method.")
    pattern: str = Field(description="`unstructured`, or an N:M pattern such as `2:4`.")
    sparsity: float = Field(description="The requested share of zeros in the pruned layers.")
    perplexity: Perplexity = Field(description="The perplexity before and after pruning.")
    size: int = Field(description="Total size of all files, in bytes.")
    gate: Verdict | None = Field(description="How the job met its gate; null if it had none.")
    note: str = Field(description="What the owner says about the model.")
    promoted_by: str = Field(description="The owner who put it into the zoo.")
    promoted_at: datetime = Field(description="When it was put into the zoo.")

    @classmethod
    def of(cls, shown: ListedEntry, **more: Any) -> Self:  # noqa: ANN401 - the fields that a subclass adds
        """Build the item from the rows of an entry and its job."""
        entry, job = shown.entry, shown.job
        return cls(
            slug=entry.slug,
            url=f"/v1/zoo/{entry.slug}",
            page=f"/zoo/{entry.slug}",
            model=public_name(job.model),
            method=job.method,
            pattern=job.pattern,
            sparsity=job.sparsity,
            perplexity=Perplexity.of(job),
            size=shown.size,
            gate=Verdict.model_validate(job.gate) if job.gate else None,
            note=entry.note,
            promoted_by=entry.promoted_by,
            promoted_at=entry.promoted_at,
            **more,
        )


class ZooPage(Page[ZooItem]):
    """A page of the zoo, newest first."""


class ZooFile(BaseModel):
    """One file of a pruned model."""

    id: UUID = Field(description="Identifies the file within the service.")
    name: str = Field(description="Relative path of the file within the model's directory.")
    size: int = Field(description="Size in bytes.")
    sha256: str = Field(description="SHA-256 of the content, in hexadecimal.")
    url: str = Field(description="Where to download the content, relative to this service.")

    @classmethod
    def of(cls, shown: ListedEntry, file: Artifact) -> Self:
        """Build the item from the rows of an entry and a file."""
        size, sha256 = file.size, file.sha256
        if file.name == FILE_NAME:
            report = PublicReport.of(shown.job)
            size, sha256 = len(report.content), report.sha256
        url = f"/v1/zoo/{shown.entry.slug}/files/{file.id}/content"
        return cls(id=file.id, name=file.name, size=size, sha256=sha256, url=url)


class Lineage(BaseModel):
    """Where a pruned model comes from."""

    job_id: UUID = Field(description="The job that produced it.")
    recipe_fingerprint: str | None = Field(
        description="Jobs with equal fingerprints produce equal results. Null where the recipe names a local "
        "path or an upload."
    )
    base_model: str = Field(description="The dense model: a Hub id, or the name of a local directory.")
    commit: str | None = Field(description="The commit of a dense model from the Hub.")
    digest: str | None = Field(description="The content digest of a local dense model.")
    architecture: str | None = Field(description="The model's architecture, as its config names it.")
    parameters: int | None = Field(description="How many parameters the model has.")
    pruneserve: str | None = Field(description="The version of PruneServe that pruned it.")
    submitted_at: datetime = Field(description="When the job was submitted.")
    succeeded_at: datetime | None = Field(description="When the job succeeded.")


def _speed(report: dict[str, Any]) -> SpeedFacts | None:
    # As JSON, in which the strict model takes lists for its tuples.
    return SpeedFacts.model_validate_json(json.dumps(report["speed"])) if report.get("speed") else None


def _exports(job: Job, spec: JobSpec) -> list[ExportFacts]:
    found = _renamed((job.report or {}).get("exports", []), dict(_private_names(spec)))
    return [ExportFacts.model_validate_json(json.dumps(export)) for export in found]


class ZooDetail(ZooItem):
    """Everything about a zoo entry."""

    measured_sparsity: float = Field(description="The measured share of zeros in the pruned layers.")
    evaluation: str = Field(description="The text on which the perplexity was measured.")
    method_options: Method | None = Field(
        description="The pruning method with all of its options; null where nothing was masked."
    )
    structure: StructureOptions | None = Field(
        description="What was taken out of the model, and how; null where nothing was."
    )
    speed: SpeedFacts | None = Field(
        None, description="Size and speed compared with the dense model; null where they were not measured."
    )
    exports: list[ExportFacts] = Field(
        [], description="The files for engines, and what was measured of each."
    )
    lineage: Lineage = Field(description="Where the model comes from.")
    files: list[ZooFile] = Field(description="All files, ordered by name.")
    load: str = Field(description="Python code that loads the model from a directory with the files.")

    @classmethod
    def with_files(cls, shown: ListedEntry, files: Sequence[Artifact]) -> Self:
        """Build the answer from the rows of an entry, its job and its files."""
        job, report = shown.job, shown.job.report or {}
        spec = JobSpec.model_validate(job.spec)
        model, environment = report.get("model", {}), report.get("environment", {})
        return cls.of(
            shown,
            measured_sparsity=report["sparsity"]["overall"],
            evaluation=public_name(spec.evaluation.dataset),
            method_options=spec.recipe.method,
            structure=spec.recipe.structure,
            speed=_speed(report),
            exports=_exports(job, spec),
            lineage=Lineage(
                job_id=job.id,
                recipe_fingerprint=None if any(_private_names(spec)) else job.recipe_fingerprint,
                base_model=public_name(job.model),
                commit=model.get("commit"),
                digest=model.get("digest"),
                architecture=model.get("architecture"),
                parameters=model.get("parameters"),
                pruneserve=environment.get("pruneserve"),
                submitted_at=job.created_at,
                succeeded_at=job.succeeded_at,
            ),
            files=[ZooFile.of(shown, file) for file in files],
            load=loading_code(shown.entry.slug, report),
        )
