"""Stored files: artifacts of jobs, uploads, gradient norms."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.base import Page
from jobs.spec.job import Labels, Priority
from jobs.states import JobState
from jobs.storage.gradient_files import StoredGradients
from jobs.tables import Artifact, Upload
from pruning.recipe import Calibration, ComputeDtype, ModelReference, StrictModel, Text, WeightNorm
from pruning.recipe.exports import MASK_ONLY


def loading_code(directory: str, report: Mapping[str, Any] | None) -> str:
    """Return Python code that loads a downloaded model, whose class its report names, from a directory."""
    model = (report or {}).get("model", {}).get("architecture", "AutoModelForCausalLM")
    masks = (one["path"] for one in (report or {}).get("exports", ()) if one["name"] == MASK_ONLY)
    first = ""
    if (mask := next(masks, None)) is not None:
        first = f"# first: pruneserve apply DENSE {directory}/{mask} {directory}-applied\n"
        directory = f"{directory}-applied"
    return f"""{first}from transformers import AutoTokenizer, {model}

model = {model}.from_pretrained("{directory}")
tokenizer = AutoTokenizer.from_pretrained("{directory}")
"""


class ArtifactItem(BaseModel):
    """A file that a job has produced."""

    id: UUID = Field(description="Identifies the file within the service.")
    name: str = Field(description="Relative path of the file within the model's directory.")
    size: int = Field(description="Size in bytes.")
    sha256: str = Field(description="SHA-256 of the content, in hexadecimal.")
    stored_size: int | None = Field(
        None,
        description="Bytes in the store, and of a download with `Accept-Encoding: zstd`; null if kept plain.",
    )
    created_at: datetime = Field(description="When the job succeeded and the file was published.")
    url: str = Field(description="Where to download the content, relative to this service.")

    @classmethod
    def of(cls, artifact: Artifact) -> Self:
        """Build the item from a row."""
        fields = {name: getattr(artifact, name) for name in cls.model_fields if name != "url"}
        return cls(**fields, url=f"/v1/jobs/{artifact.job_id}/artifacts/{artifact.id}/content")


class ArtifactList(BaseModel):
    """The files of a job."""

    items: list[ArtifactItem] = Field(description="All files, ordered by name.")


class UploadItem(BaseModel):
    """An uploaded text, or uploaded gradient norms."""

    id: UUID = Field(description="Identifies the upload.")
    name: str = Field(description="The name that you gave it.")
    format: str = Field(
        description="`txt` for one text, `jsonl` for one document per line, `safetensors` for norms.",
        examples=["txt", "jsonl", "safetensors"],
    )
    size: int = Field(description="Size in bytes.")
    sha256: str = Field(description="SHA-256 of the content, in hexadecimal.")
    created_at: datetime = Field(description="When it was uploaded.")
    dataset: str = Field(
        description="What a job names where it takes a dataset, or in `gradients`.", examples=["upload:<id>"]
    )

    @classmethod
    def of(cls, upload: Upload) -> Self:
        """Build the item from a row."""
        fields = {name: getattr(upload, name) for name in cls.model_fields if name != "dataset"}
        return cls(**fields, dataset=f"upload:{upload.id}")


class UploadPage(Page[UploadItem]):
    """A page of your uploads, newest first, and how much of the quota they use."""

    used_bytes: int = Field(description="Total size of your uploads and gradient norms.")
    quota_bytes: int = Field(description="The most that your uploads and gradient norms may take together.")


class GradientRequest(StrictModel):
    """Which gradient norms to compute and keep. A job of this kind prunes nothing and has no gate."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"model": "HuggingFaceTB/SmolLM2-135M", "norms": ["l1", "l2"]},
                {
                    "model": {"id": "HuggingFaceTB/SmolLM2-135M", "revision": "main"},
                    "calibration": {"dataset": "c4", "samples": 128, "sequence_length": 2048, "seed": 0},
                    "dtype": "bfloat16",
                },
            ]
        }
    )

    model: ModelReference = Field(description="The dense model, by id or with a revision.")
    norms: tuple[WeightNorm, ...] = Field(
        ("l1",),
        min_length=1,
        max_length=2,
        strict=False,  # JSON has lists where Python has tuples
        description="Which norms over the windows: `l1`, `l2` or both, of one pass.",
    )
    calibration: Calibration = Field(Calibration(), description="The text on which gradients are measured.")
    dtype: ComputeDtype = Field("auto", description="The precision of the computation; norms are float32.")
    name: Annotated[Text, Field(max_length=100)] | None = Field(
        None, description="A display name. It need not be unique."
    )
    timeout_seconds: float | None = Field(
        None, ge=60, le=7 * 86_400, description="Seconds on workers, in all attempts, after which it fails."
    )
    labels: Labels = Field({}, description="Names and values of your own, to find the job by.")
    priority: Priority = Field(0, description="Your queued job with the highest priority runs first.")

    def fields(self) -> dict[str, Any]:
        """Return the fields of the request for the job."""
        return {name: getattr(self, name) for name in type(self).model_fields}


class GradientItem(BaseModel):
    """A gradient job, and the file of its norms while there is one."""

    id: UUID = Field(description="Identifies the norms, and the job that computes them.")
    reference: str = Field(
        description="What a job names in its field `gradients`.", examples=["gradient:<id>"]
    )
    name: str | None = Field(description="The display name that the request gave it.")
    state: JobState = Field(description="The state of the job; the norms are there once it has succeeded.")
    model: str = Field(description="The model: a Hub id or a path.")
    norms: list[str] = Field(description="Which norms: `l1`, `l2` or both.", examples=[["l1"]])
    created_at: datetime = Field(description="When the job was submitted.")
    file: ArtifactItem | None = Field(description="The file of the norms; null while there is none.")

    @classmethod
    def of(cls, kept: StoredGradients) -> Self:
        """Build the item from the rows of a job and of its file."""
        job = kept.job
        return cls(
            id=job.id,
            reference=f"gradient:{job.id}",
            name=job.name,
            state=job.state,
            model=job.model,
            norms=job.spec.get("recipe", {}).get("norms", []),
            created_at=job.created_at,
            file=ArtifactItem.of(kept.file) if kept.file else None,
        )


class GradientPage(Page[GradientItem]):
    """A page of your gradient jobs, newest first, and how much of the quota gradient norms use."""

    used_bytes: int = Field(description="Total size of your uploads and gradient norms.")
    quota_bytes: int = Field(description="The most that your uploads and gradient norms may take together.")
