"""The sections of a model card on its files: how to load or make the model, the exports, what zeros give."""

import shlex
from collections.abc import Sequence

from pruning.byte_size import byte_size
from pruning.recipe.exports import MASK, MASK_ONLY
from pruning.report import ExportFacts, Interval, Intervals, PerplexityFacts, Report
from pruning.report.facts import count_windows

_SEMI_STRUCTURED = "2:4"


def use(report: Report) -> str:
    """Return the text and the code that loads the model, or makes it where the files hold a mask alone."""
    patch, architecture = patch_alone(report), report.model.architecture
    if patch is not None:
        return f"""\
These files hold no weights: the mask makes them of the dense model's directory `DENSE`, in this one:

```sh
{_run(patch)}
```

`OUTPUT` loads like the dense model."""
    return f"""\
{_loading_instructions(report)}

```python
from transformers import AutoTokenizer, {architecture}

model = {architecture}.from_pretrained("<this directory>")
tokenizer = AutoTokenizer.from_pretrained("<this directory>")
```"""


def patch_alone(report: Report) -> ExportFacts | None:
    """Return the mask that is kept in place of the weights; None for a result with weights."""
    return next((export for export in report.exports if export.name == MASK_ONLY), None)


def _loading_instructions(report: Report) -> str:
    if not report.recipe.masks and report.structure is None:
        return "It is the dense model, and loads like it:"
    if not report.recipe.masks:
        return "The smaller config describes the model: it loads like any model of its architecture:"
    return "The weights are plain dense tensors with zeros in them; they load like those of the dense model:"


def exported_files(report: Report) -> str:
    """Return the section with the exported files: what was measured of each, and the command that runs it."""
    if not report.exports:
        return ""
    rows = [
        f"| `{export.path}` | {byte_size(export.bytes)} "
        f"| {export.perplexity:.3f}{plus_minus(export.intervals, 'perplexity')} ({export.increase:+.1%}) "
        f"| {divergence(export)} "
        f"| `{_run(export)}` |"
        for export in report.exports
    ]
    table = "\n".join(
        ["| file | size | perplexity | KL, nats | run |", "| --- | --- | --- | --- | --- |", *rows]
    )
    return f"""\
## Exports

{table}

{_how_measured([export for export in report.exports if not _is_mask(export)])}{_of_mask(report)}"""


def _how_measured(exports: Sequence[ExportFacts]) -> str:
    if not exports:
        return ""
    windows = count_windows(exports[0].windows, exports[0].sequence_length)
    dense = {export.evaluator: f"{export.dense_perplexity:.3f} by {export.evaluator}" for export in exports}
    return f"""\
Each was measured as that file, on {windows}. The dense model in 16 bits has
perplexity {"; ".join(dense.values())}.
transformers loads a directory, too, with `compressed-tensors` installed.

"""


def _is_mask(export: ExportFacts) -> bool:
    return export.name in (MASK, MASK_ONLY)


def _of_mask(report: Report) -> str:
    if not any(map(_is_mask, report.exports)):
        return ""
    return """\
The mask makes this model of the dense one's directory `DENSE`, bit for bit, and has its figures.

"""


def divergence(measured: ExportFacts | PerplexityFacts) -> str:
    """Format the mean KL divergence with its interval; `-` where it was not measured."""
    return "-" if measured.kl is None else f"{measured.kl:.4f}{plus_minus(measured.intervals, 'kl')}"


def _run(export: ExportFacts) -> str:
    """Return the command that runs an export, from the directory of the card."""
    if _is_mask(export):
        return f"pruneserve apply DENSE {shlex.quote(export.path)} OUTPUT"
    program = "llama-cli -m" if export.name.startswith("gguf:") else "vllm serve"
    return f"{program} {shlex.quote(export.path)}"


def profit(report: Report) -> str:
    """Return the section that says what the zeros, or the smaller shapes, give where."""
    profits = []
    if report.structure is not None:
        profits.append("It is smaller: it takes less memory and time as it is, in every engine that runs it.")
    if report.recipe.masks:
        profits.append(_profit_of_zeros(report.recipe.pattern))
    return "\n".join(["## How to profit from it\n", *profits, "\n"]) if profits else ""


def _profit_of_zeros(pattern: str) -> str:
    if pattern == _SEMI_STRUCTURED:
        return """\
NVIDIA GPUs from Ampere on multiply by 2:4 weights faster, once `torch.sparse.to_sparse_semi_structured` has
packed them after loading: for many tokens at a time, not for one as in decoding. Elsewhere the zeros save
neither time nor memory by themselves."""
    return f"""\
Zeros in the pattern {pattern} save neither time nor memory by themselves: engines multiply by them as by any
weight, and the files are as large as the dense model's. They compress well, and training can keep them."""


def plus_minus(intervals: Intervals | None, name: str) -> str:
    """Return ` ± 0.4`, half a 95 % confidence interval; nothing where none is known."""
    found: Interval | None = getattr(intervals, name, None)
    return f" ± {found.margin()}" if found else ""
