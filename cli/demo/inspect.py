"""Check the pruned model of the demo, and generate a sentence with it."""

import json
from dataclasses import dataclass
from pathlib import Path

from cli.terminal import CommandFailed, Exit

PROMPT = "The capital of France is"
_TOLERANCE = 0.0005


@dataclass(frozen=True, slots=True)
class Pruned:
    """What the downloaded files hold."""

    directory: Path
    zeros: int
    weights: int
    sentence: str

    @property
    def sparsity(self) -> float:
        """The share of zeros among the pruned layers' weights, counted in the files."""
        return self.zeros / self.weights


def examine(directory: Path, *, dense: Path, sparsity: float) -> Pruned:
    """Load the pruned model, count its zeros, compare kept weights with the dense model, and generate text.

    Raises `CommandFailed` if a kept weight has changed, or if the share of zeros is not `sparsity`.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(directory)
    before = AutoModelForCausalLM.from_pretrained(dense).state_dict()
    report = json.loads((directory / "pruning_report.json").read_text(encoding="utf-8"))
    layers = {layer["name"] for layer in report["sparsity"]["layers"]}

    zeros = weights = 0
    for name, after in model.state_dict().items():
        kept = after != 0
        if not after[kept].equal(before[name][kept]):
            raise CommandFailed(f"{name}: a weight that was kept has changed", Exit.FAILED)
        if name in layers or name.removesuffix(".weight") in layers:
            zeros += int((~kept).sum())
            weights += after.numel()
    if not weights or abs(zeros / weights - sparsity) > _TOLERANCE:
        raise CommandFailed(f"{zeros} of {weights} weights are zero, not {sparsity:.0%}", Exit.FAILED)

    tokenizer = AutoTokenizer.from_pretrained(directory)
    prompt = tokenizer(PROMPT, return_tensors="pt")
    written = model.generate(**prompt, max_new_tokens=24, do_sample=False, repetition_penalty=1.2)
    return Pruned(directory, zeros, weights, tokenizer.decode(written[0], skip_special_tokens=True))
