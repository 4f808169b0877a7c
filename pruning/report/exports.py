"""The files that engines serve, and what was measured of each as that file."""

from typing import Literal

from pydantic import Field, computed_field

from pruning.report.facts import Facts, Intervals


class ExportRateFacts(Facts):
    """Tokens per second of an exported file in one phase, by the engine that serves it."""

    phase: Literal["prefill", "decode"] = Field(
        description="`prefill` reads a prompt; `decode` adds one token after the other to it."
    )
    tokens_per_second: float = Field(description="Median of the exported file, one sequence.")
    dense: float = Field(description="Median of the dense model in 16 bits, in turns with it.")
    noise: float = Field(description="The range of the runs as a share of the median; the larger of the two.")


class ExportFacts(Facts):
    """One exported file or directory. It was measured as it will be served, or `evaluator` says how."""

    name: str = Field(description="The format and its type, such as `gguf:Q4_K_M`.", examples=["gguf:Q4_K_M"])
    path: str = Field(description="The file or the directory, relative to the result's.")
    bytes: int = Field(gt=0, description="Size of the file, or of the weight files in the directory.")
    dense_bytes: int = Field(gt=0, description="Size of the dense model in 16 bits, in the same format.")
    sha256: str | None = Field(None, description="SHA-256 of the file; null for a directory.")
    evaluator: str = Field(description="What computed with the file.")
    perplexity: float = Field(description="Perplexity of the exported file.")
    dense_perplexity: float = Field(description="That of the dense model, by the same evaluator.")
    kl: float | None = Field(
        description="The mean of KL(dense ‖ exported) over the predicted tokens, in nats; null where it "
        "cannot be computed."
    )
    agreement: float | None = Field(
        description="The share of predicted tokens for which both find the same one most probable."
    )
    intervals: Intervals | None = Field(
        None, description="95 % confidence intervals; null for fewer than 8 windows."
    )
    window_losses: tuple[float, ...] = Field(
        (),
        description="Mean loss of each window, in nats; none for more than 10,000, and in the public report "
        "of a zoo entry.",
    )
    windows: int = Field(description="Number of windows that were measured.")
    sequence_length: int = Field(description="Number of tokens per window.")
    rates: tuple[ExportRateFacts, ...] = Field((), description="Speed; none where it was not measured.")
    types: dict[str, int] = Field(
        {}, description="Number of tensors by the type that they really have, for a GGUF file."
    )
    warnings: tuple[str, ...] = Field((), description="What the reader should know of this file.")

    @computed_field(description="Relative increase of the perplexity: 0.1 means 10 % above the dense one.")  # type: ignore[prop-decorator]
    @property
    def increase(self) -> float:
        """The relative increase of the perplexity by pruning and export."""
        return self.perplexity / self.dense_perplexity - 1
