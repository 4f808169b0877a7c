"""What a job was asked to do: the recipe, how to judge it, and what to keep."""

from pydantic import Field

from pruning.recipe import Evaluation, Frozen, Recipe


class JobSpec(Frozen):
    """Stored with the job as JSON; the worker reads nothing else about what is wanted."""

    recipe: Recipe
    evaluation: Evaluation = Evaluation()
    save_masks: bool = Field(False, description="Also keep the masks, as an artifact of their own.")
