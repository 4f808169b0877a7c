"""How the quality of a model is measured: a perplexity over text windows."""

from pydantic import Field

from pruning.recipe.fields import Dataset, Frozen


class Evaluation(Frozen):
    """Perplexity over non-overlapping windows, the remainder dropped, as the reference measures it."""

    dataset: Dataset = Field("wikitext2", description="Text that is not the calibration text.")
    sequence_length: int | None = Field(
        None, ge=2, le=131_072, description="Tokens per window; min(2048, the model's context) when left out."
    )
    windows: int | None = Field(
        None, ge=1, le=100_000, description="The first so many windows; all when left out."
    )
