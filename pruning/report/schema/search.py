"""The search of the layers' sparsities."""

from pydantic import Field

from pruning.report.schema.recovery import HeldOutFacts


class SearchFacts(HeldOutFacts):
    """What a first pruned model was measured on, to move zeros from layers that add much to its loss."""

    shares: float = Field(
        description="The sum of all layers' shares of the first pruned model's KL divergence from the dense "
        "one, in nats per token: about that divergence where it is small."
    )
