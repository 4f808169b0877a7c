"""Say how a job prunes."""

from pruneserve_client.models import JobDetail, JobSummary, StructureOptions

STRUCTURE_ONLY = "structure"
"""The method of a job that cuts and masks nothing."""

WITHOUT_MASK = (STRUCTURE_ONLY, "none", "norms")


def method_summary(job: JobSummary | JobDetail, structure: StructureOptions | None) -> str:
    """Say how a job prunes: `gblm, 2:4, sparsity 0.5`, `structure, mlp_channels 0.25`, or both.

    `structure`: what it takes out of the model.
    """
    masked = [] if job.method in WITHOUT_MASK else [job.method, job.pattern, f"sparsity {job.sparsity:g}"]
    cut = [STRUCTURE_ONLY, *amounts(structure)] if structure else []
    return ", ".join([*masked, *cut]) or job.method


def amounts(structure: StructureOptions | None) -> list[str]:
    """Return what is taken out, such as `mlp_channels 0.25`."""
    given = structure.model_dump(exclude={"multiple_of"}, exclude_none=True) if structure else {}
    return [f"{name} {amount:g}" for name, amount in given.items()]
