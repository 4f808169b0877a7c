"""The search of the layers' sparsities."""

from pydantic import Field

from pruning.report.base import Facts


class SearchFacts(Facts):
    """What a first pruned model was measured on, to move zeros from layers that add much to its loss."""

    windows: int = Field(description="Number of windows, of the calibration's length.")
    articles: int = Field(
        description="Number of articles that these are from; 0 for parts of a text without articles that no "
        "calibration window has."
    )
    fingerprint: str = Field(description="SHA-256 over their token ids.")
    shares: float = Field(
        description="The sum of all layers' shares of the first pruned model's KL divergence from the dense "
        "one, in nats per token: about that divergence where it is small."
    )
