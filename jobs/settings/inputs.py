"""What jobs may read, by which token, and whether owners share what they compute."""

from pathlib import Path

from pydantic import BaseModel, Field, SecretStr

from jobs.settings.lists import ByColons


class Inputs(BaseModel):
    """What jobs may read, by which token, and whether owners share what they compute."""

    model_roots: ByColons[Path] = Field(
        (), description="Directories that local models may be loaded from, separated by `:`."
    )
    data_roots: ByColons[Path] = Field(
        (),
        description="Directories that calibration and evaluation files may be read from, separated by `:`.",
    )
    task_roots: ByColons[Path] = Field(
        (),
        description="Directories that define tasks for lm-evaluation-harness, separated by `:`. "
        "Definitions are code.",
    )
    hub_token: SecretStr | None = Field(
        None, description="The Hugging Face token of the workers, and of the API's estimates."
    )
    hub_token_owners: ByColons[str] = Field(
        (), description="Owners whose jobs may use the token, separated by `:`."
    )
    share_between_owners: bool = Field(
        False,
        description="Whether jobs of different owners share gradient norms and dense measurements. An "
        "owner can then tell that another one has used the same model and text: only for "
        "owners that trust each other.",
    )
