"""The model card of a pruned model: what was done to which model, and its effect."""

from collections.abc import Iterator, Sequence
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from pruning.byte_size import byte_size
from pruning.output.card_sections import divergence, exported_files, patch_alone, plus_minus, profit, use
from pruning.recipe import AllocationOptions, MethodOptions, content_name, is_local
from pruning.report import FILE_NAME as REPORT
from pruning.report import (
    CalibrationFacts,
    PerplexityFacts,
    Report,
    StructureFacts,
)
from pruning.report.facts import count_windows

RELATION = "finetune"
"""The Hub's term for a model of the same architecture with weights derived from another's."""

_HUB_DATASETS = {"c4": "allenai/c4", "wikitext2": "Salesforce/wikitext"}


def model_card(
    report: Report, *, licence: str | None, languages: Sequence[str] = (), quantisation: str | None = None
) -> str:
    """Return the text of README.md, with the metadata that the Hub reads.

    `licence` and `languages`: what the dense model's card declares. `quantisation`: of the dense weights.
    """
    source = f"\n| dense weights | dequantised from {quantisation} to bfloat16 |" if quantisation else ""
    base = report.model.id
    name = base.rstrip("/").rsplit("/", 1)[-1]
    on_the_hub = not is_local(base)
    metadata = ModelCardData(
        base_model=base if on_the_hub else None,
        base_model_relation=RELATION if on_the_hub else None,
        datasets=_hub_datasets(report) or None,
        language=[*languages] or None,
        model_name=f"{name}, {_in_short(report)}",
        eval_results=[*_perplexities(report), *_scores(report)] or None,
        license=licence,
        library_name=None if patch_alone(report) else "transformers",
        pipeline_tag=_pipeline_tag(report.model.architecture),
        tags=[
            *(["pruned", report.recipe.method_name] if report.recipe.masks or report.structure else []),
            *(["sparse"] if report.recipe.masks else []),
            *(["trained"] if _is_trained(report) else []),
        ]
        or None,
    )
    return f"""---
{metadata.to_yaml()}
---

# {name}, {_in_short(report)}

{name if is_local(base) else base} ({_version(report)})
{_method_summary(report)}

| | |
| --- | --- |{source}{_cut(report)}{_mask(report)}{_training(report)}
| calibration | {_calibration(report.calibration)} |
| perplexity, dense | {report.perplexity.dense:.3f} |
| perplexity, pruned | {_pruned(report.perplexity)} |{_more(report)}

Perplexity: {report.perplexity.definition} Measured on {_file_name(report.perplexity.dataset)},
{count_windows(report.perplexity.windows, report.perplexity.sequence_length)}; ± is half a 95 % confidence
interval, by a bootstrap of the windows. Everything that was
measured, and what it takes to repeat it, is in `{REPORT}`.

## Use

{use(report)}

{exported_files(report)}{profit(report)}## Licence

{_licence(licence)}
"""


def _pipeline_tag(architecture: str) -> str | None:
    """Return the Hub's term for what a model is used for; None where the Hub must find out what it reads."""
    return None if architecture.endswith("ForConditionalGeneration") else "text-generation"


def _hub_datasets(report: Report) -> list[str]:
    """Return the Hub's names of the texts that the model was calibrated and trained on."""
    named = [part.dataset for part in (report.calibration.sets if report.calibration else ())]
    trained = report.recovery.distil if report.recovery else None
    named += trained.datasets if trained else ()
    return list(dict.fromkeys(_HUB_DATASETS[name] for name in named if name in _HUB_DATASETS))


def _perplexities(report: Report) -> Iterator[EvalResult]:
    """Yield what was measured of the pruned model; a bound is not a measurement."""
    for text in (report.perplexity, *report.domains.values()):
        if not text.cut_short:
            yield EvalResult(
                task_type="text-generation",
                dataset_type=_HUB_DATASETS.get(text.dataset, _file_name(text.dataset)),
                dataset_name=_file_name(text.dataset),
                metric_type="perplexity",
                metric_name=f"perplexity, {count_windows(text.windows, text.sequence_length)}",
                metric_value=text.pruned,
            )


def _scores(report: Report) -> Iterator[EvalResult]:
    for score in report.zero_shot.scores if report.zero_shot else ():
        yield EvalResult(
            task_type="text-generation",
            dataset_type=score.task,
            dataset_name=score.task,
            metric_type=score.metric,
            metric_name=f"{score.metric}, zero-shot",
            metric_value=score.pruned,
        )


def _in_short(report: Report) -> str:
    zeros = f"{report.sparsity.overall:.1%} pruned" if report.recipe.masks else "not pruned"
    if report.structure is None:
        return zeros
    smaller = f"{_gone(report.structure):.1%} smaller"
    return f"{smaller}, {zeros}" if report.recipe.masks else smaller


def _gone(facts: StructureFacts) -> float:
    return 1 - facts.parameters / facts.dense_parameters


def _method_summary(report: Report) -> str:
    sentences = []
    if report.structure is not None:
        sentences.append(
            f"with {report.structure.parameters:,} of its {report.structure.dense_parameters:,} parameters: "
            "whole units were taken out of its decoder blocks."
        )
        if report.recipe.structure is not None and report.recipe.structure.ranks:
            sentences.append("The weights that read what is left were solved for again.")
    if report.recipe.masks:
        share = f"{report.sparsity.overall:.1%} of the weights in the linear layers of its decoder blocks"
        sentences.append(f"with {share} set to zero." if not sentences else f"Then {share} were set to zero.")
        sentences.append(_kept_weights(report))
    elif _is_trained(report):
        sentences.append(_all_trained("then"))
    return "\n".join(sentences or ["as it is: no weight was changed."])


def _cut(report: Report) -> str:
    if report.structure is None or report.recipe.structure is None:
        return ""
    rows = [f"| {unit.kind} in each block | {unit.kept} of {unit.dense} |" for unit in report.structure.units]
    share, parameters = report.structure.block_share, report.recipe.structure.parameters
    asked = "" if parameters is None else f", {parameters:.1%} asked for"
    rows.append(f"| removed share of the blocks' parameters | {share:.1%}{asked} |")
    rows.append(f"| parameters | {report.structure.parameters:,} of {report.structure.dense_parameters:,} |")
    return "".join(f"\n{row}" for row in rows)


def _mask(report: Report) -> str:
    if not report.recipe.masks:
        return ""
    return f"""
| method | {_named(report.recipe.mask_method)} |
| allocation | {_named(report.recipe.allocation)} |
| kept weights | {_refit(report)} |
| pattern | {report.recipe.pattern} |
| sparsity of the pruned layers | {report.sparsity.overall:.2%} |"""


def _more(report: Report) -> str:
    return _fidelity(report) + _size(report) + _domains(report) + _zero_shot(report)


def _size(report: Report) -> str:
    """Return the rows with size and speed compared with the dense model."""
    facts = report.speed
    if facts is None:
        return ""
    rows = [f"| size of the weights | {byte_size(facts.bytes)} of {byte_size(facts.dense_bytes)} |"]
    rows += [
        f"| {rate.phase}, {rate.batch} at a time | {rate.pruned:.4g} tokens per second, "
        f"{f'{rate.speedup:.2f} times' if rate.is_measurable else 'not measurably different from'} "
        f"the dense model's {rate.dense:.4g} |"
        for rate in facts.rates
    ]
    if not facts.rates and facts.speedup is not None:
        rows.append("| speed | that of the dense model: zeros by themselves make nothing faster |")
    return "".join(f"\n{row}" for row in rows)


def _fidelity(report: Report) -> str:
    """Return the rows that compare the predictions with the dense model's."""
    kl, agreement = report.perplexity.kl, report.perplexity.agreement
    if kl is None or agreement is None:
        return ""
    return (
        f"\n| KL(dense ‖ pruned), nats per token | {kl:.4f}{plus_minus(report.perplexity.intervals, 'kl')} |"
        f"\n| same most probable token as the dense model | {agreement:.1%} |"
    )


def _pruned(text: PerplexityFacts) -> str:
    return f"{text.pruned:.3f}{plus_minus(text.intervals, 'perplexity')} ({text.increase:+.1%})"


def _domains(report: Report) -> str:
    """Return the table of the domains."""
    rows = [
        f"| {name} | {_file_name(text.dataset)} | {text.dense:.3f} | {_pruned(text)} | {divergence(text)} "
        f"| {'-' if text.agreement is None else f'{text.agreement:.1%}'} |"
        for name, text in report.domains.items()
    ]
    heads = ("domain", "text", "perplexity, dense", "pruned", "KL, nats", "same token")
    return _table(heads, rows) if rows else ""


def _zero_shot(report: Report) -> str:
    """Return the table of the zero-shot tasks."""
    if report.zero_shot is None:
        return ""
    rows = [
        f"| {score.task}, {score.metric} | {score.dense:.4f} "
        f"| {score.pruned:.4f}{f' ± {score.interval.margin()}' if score.interval else ''} |"
        for score in report.zero_shot.scores
    ]
    return _table((f"zero-shot, lm-evaluation-harness {report.zero_shot.harness}", "dense", "pruned"), rows)


def _table(heads: Sequence[str], rows: Sequence[str]) -> str:
    return "\n\n" + "\n".join([f"| {' | '.join(heads)} |", "|" + " --- |" * len(heads), *rows])


def _version(report: Report) -> str:
    if report.model.commit is not None:
        return f"commit {report.model.commit}"
    return f"content {report.model.digest}"


def _named(options: MethodOptions | AllocationOptions) -> str:
    settings = _settings(options.model_dump(exclude={"name"}))
    return options.name + (f" ({settings})" if settings else "")


def _settings(options: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in options.items())


def _all_trained(and_then: str) -> str:
    return f"All of its weights were {and_then} **trained** by gradient descent: it is not a one-shot result."


def _kept_weights(report: Report) -> str:
    if _is_trained(report) and report.structure is not None:
        return _all_trained("then, with the zeros kept,")
    if _is_trained(report):
        return (
            "Its kept weights and norms were then **trained** by gradient descent, with the zeros kept: it "
            "is not a one-shot result. Embeddings and head are the dense model's."
        )
    weights = (
        "The kept weights of these layers were updated to compensate for the pruned ones."
        if report.recipe.computes_weights
        else "Every weight that is not zero is the dense model's, bit for bit."
        if report.structure is None
        else "Every other weight is as the cut left it."
    )
    return f"Embeddings, norms and head are the dense model's. {weights}{_moved(report)}"


def _moved(report: Report) -> str:
    """Return the sentence about a model whose channels are in another order."""
    if report.permutation is None or not report.permutation.blocks:
        return ""
    return (
        f"\nIts channels are in another order than the dense model's, in which {report.recipe.pattern} keeps "
        "more; no output depends on that order."
    )


def _is_trained(report: Report) -> bool:
    """Whether a training has given the model new weights. One that improved nothing is not kept."""
    return report.recovery is not None and report.recovery.is_trained


def _training(report: Report) -> str:
    """Return the rows of the table that say what was trained on, and the result."""
    if report.recovery is None:
        return ""
    training = report.recovery.distil
    texts = ", ".join(map(_file_name, training.datasets))
    held_out = f"held-out loss {training.before:.4f} → {training.after:.4f}"
    kept = (
        f"step {training.kept_step} of {training.steps}, {held_out}" if training.kept_step else "nothing kept"
    )
    how = {"8-bit": ", with Adam's moments in 8 bits", "bfloat16": ", with weights in bfloat16"}.get(
        training.state, ""
    )
    return f"\n| trained | {training.tokens} tokens of {texts}{how}; {kept} |"


def _refit(report: Report) -> str:
    if report.recipe.refit is not None:
        return f"refit ({_settings(report.recipe.refit.model_dump())})"
    if report.recipe.computes_weights:
        return "updated by the method"
    return "unchanged, in another order" if _moved(report) else "unchanged"


def _calibration(facts: CalibrationFacts | None) -> str:
    if facts is None:
        return "none; the method reads no text"
    names = ", ".join(f"{_file_name(part.dataset)} ({part.windows})" for part in facts.sets)
    if len(facts.sets) == 1:
        names = _file_name(facts.sets[0].dataset)
    return f"{count_windows(facts.windows, facts.sequence_length)} from {names}"


def _file_name(dataset: str) -> str:
    """Return the last part of a path, and no digest: a published card shows neither paths nor uploads."""
    return "an uploaded text" if content_name(dataset) else dataset.rsplit("/", 1)[-1]


def _licence(licence: str | None) -> str:
    if licence is None:
        return "The dense model's card declares no licence; its terms hold for this model too."
    return f"The dense model's licence, {licence}, holds for this model too."
