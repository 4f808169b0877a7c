"""What a run began with: the dense model and the calibration windows."""

from pydantic import Field

from pruning.report.base import Facts


class ModelFacts(Facts):
    """The dense model."""

    id: str = Field(description="A Hub id or a path.")
    commit: str | None = Field(description="The Hub commit; null for a local directory.")
    digest: str | None = Field(description="Digest of a local directory's content; null for a Hub model.")
    architecture: str = Field(description="The architecture, as the config names it.")
    parameters: int = Field(description="Number of parameters of the whole model.")
    blocks: int = Field(description="Number of decoder blocks.")


class DatasetFacts(Facts):
    """The windows that came from one dataset."""

    dataset: str = Field(description="The dataset, as the recipe names it.")
    weight: float = Field(description="The weight that the recipe gives it, relative to the other datasets'.")
    windows: int = Field(description="Number of windows from this dataset.")
    fingerprint: str = Field(description="SHA-256 over the token ids.")
    notes: tuple[str, ...] = Field(
        description="How the windows were drawn, where they were not drawn in the usual way."
    )


class CalibrationFacts(Facts):
    """The token windows on which activations and gradients were measured."""

    sets: tuple[DatasetFacts, ...] = Field(description="The datasets, in the order of their windows.")
    windows: int = Field(description="Number of windows in all.")
    sequence_length: int = Field(description="Number of tokens per window.")
    tokens: int = Field(description="Number of tokens in all windows.")
    fingerprint: str = Field(description="SHA-256 over the token ids of all sets.")
