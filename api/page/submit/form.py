"""The form for a new job: its fields, their order, and which depend on a choice."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from api.page.submit import several
from api.page.submit.fields import FormField, fields_of
from api.schemas.jobs.requests import JobRequest
from jobs.spec.gate import Gate
from pruning.recipe import (
    ALLOCATIONS,
    METHODS,
    PRESETS,
    Calibration,
    DistilOptions,
    Evaluation,
    LayerSelection,
    ModelReference,
    RefitOptions,
    StructureOptions,
)
from pruning.recipe.allocation import Uniform

_METHOD, _ALLOCATION = "method.name", "allocation.name"
DEFAULT_METHOD = "gblm"
_CALIBRATION, _EVALUATION = Calibration(), Evaluation()
_PATH = re.compile(r"\b[a-z_]+(?:\.[a-z_]+)+\b")
NO_METHOD = "none"
"""The choice of a job that takes units out and masks nothing."""


@dataclass(frozen=True, slots=True)
class Section:
    """Fields under one heading. Sections that few people need are folded."""

    title: str
    fields: tuple[FormField, ...]
    about: str = ""
    folded: bool = False

    def touched(self, typed: Mapping[str, str], wrong: Collection[str]) -> bool:
        """Whether a field differs from its default or has an error."""
        return any(
            typed.get(field.name, "") not in ("", field.default) or field.name in wrong
            for field in self.fields
        )


def sections(typed: Mapping[str, str]) -> tuple[Section, ...]:
    """Return the form with the options of the selected method and allocation.

    A preset decides some fields, which are left out.
    """
    preset = PRESETS.get(typed.get(_METHOD, ""))
    decided = preset.decides if preset else ()
    adjustable = preset.adjustable if preset else ()
    every = _all_sections(typed)
    titles = {field.name: f"{one.title}: {field.label}" for one in every for field in one.fields}
    return tuple(
        replace(
            section,
            fields=tuple(
                _said_in_titles(field, titles)
                for field in section.fields
                if field.top not in decided or field.name in adjustable
            ),
        )
        for section in every
    )


def _said_in_titles(field: FormField, titles: Mapping[str, str]) -> FormField:
    """Return the field with a description that names others as the form does, and not by their paths."""
    said = _PATH.sub(lambda path: titles.get(path[0], path[0]), field.description)
    return replace(field, description=said)


def _all_sections(typed: Mapping[str, str]) -> tuple[Section, ...]:
    return (
        Section("Model", fields_of(ModelReference, "model.")),
        Section("Method", tuple(_method(typed.get(_METHOD) or DEFAULT_METHOD))),
        Section(
            "Structure",
            tuple(_structure()),
            "take channels, heads, experts or blocks out, for a smaller and faster model",
            folded=True,
        ),
        Section(
            "Gate and labels",
            (*_gate(), *fields_of(JobRequest, "", "labels")),
            "what the result must keep to, and what to find it by",
            folded=True,
        ),
        Section(
            "Calibration",
            fields_of(Calibration, "calibration."),
            f"texts, windows, seed: {_CALIBRATION.dataset} and {_CALIBRATION.samples} windows by default",
            folded=True,
        ),
        Section(
            "Evaluation",
            fields_of(Evaluation, "evaluation."),
            f"texts, windows, zero-shot tasks: {_EVALUATION.dataset} by default",
            folded=True,
        ),
        Section(
            "More",
            tuple(_more(typed.get(_ALLOCATION) or "uniform")),
            "allocation, refit, recovery, layers, precision",
            folded=True,
        ),
        Section(
            "Several jobs",
            several.FIELDS,
            "try several values, or search for the sparsest model within a bound",
            folded=True,
        ),
    )


def every_field(typed: Mapping[str, str]) -> Iterator[FormField]:
    """Yield the fields of the form in order."""
    for section in sections(typed):
        yield from section.fields


_PLACED = frozenset(
    {"model", "method", "sparsity", "pattern", "calibration", "gate", "labels", "evaluation"}
    | {"allocation", "refit", "layers", "structure", "recovery"}
)


def _method(chosen: str) -> Iterator[FormField]:
    choices = (*PRESETS, *METHODS, NO_METHOD)
    yield FormField(_METHOD, "choice", DEFAULT_METHOD, _what(chosen), choices, title="Goal or method")
    if chosen == NO_METHOD:
        return
    yield from fields_of(JobRequest, "", "sparsity", "pattern")
    if chosen in METHODS:
        yield from _options(METHODS[chosen], "method.")


_GATE_TITLES = {
    "gate.max_perplexity": "Perplexity at most",
    "gate.max_perplexity_increase": "Increase over dense at most",
    "gate.max_kl": "KL(dense ‖ pruned) at most",
    "gate.max_bytes": "Bytes at most",
    "gate.max_parameters": "Parameters at most",
    "gate.max_memory_bytes": "Peak memory in bytes at most",
    "gate.min_speedup": "Speed over dense at least",
    "gate.min_zero_shot": "Zero-shot scores at least",
}


def _gate() -> Iterator[FormField]:
    for field in fields_of(Gate, "gate."):
        yield replace(field, title=_GATE_TITLES.get(field.name, ""))


def _structure() -> Iterator[FormField]:
    yield from map(_left_open, fields_of(StructureOptions, "structure."))


def _left_open(field: FormField) -> FormField:
    """Return a part of what a request may leave out, with an empty choice: a select sends one in any case."""
    if field.kind != "choice":
        return field
    about = f"{field.description} By default {field.default}."
    return replace(field, default="", choices=("", *field.choices), description=about)


def _more(allocation: str) -> Iterator[FormField]:
    chosen = ALLOCATIONS.get(allocation, Uniform)
    yield FormField(_ALLOCATION, "choice", "uniform", _about(chosen), tuple(ALLOCATIONS))
    yield from _options(chosen, "allocation.")
    yield FormField("refit", "flag", "", "Solve for the kept weights again after pruning.")
    yield from fields_of(RefitOptions, "refit.")
    yield FormField("recovery.distil", "flag", "", "Train the kept weights towards the dense model's output.")
    yield from map(_left_open, fields_of(DistilOptions, "recovery.distil."))
    yield from fields_of(LayerSelection, "layers.")
    yield from fields_of(JobRequest, "", *(name for name in JobRequest.model_fields if name not in _PLACED))


def _options(chosen: type, prefix: str) -> Iterator[FormField]:
    return (field for field in fields_of(chosen, prefix) if field.name != f"{prefix}name")


def _what(method: str) -> str:
    """Say what a method or preset does, and what it costs."""
    if method in PRESETS:
        return PRESETS[method].about
    return f"{_about(METHODS[method])} {_cost(method)}" if method in METHODS else "Nothing is masked."


def _cost(method: str) -> str:
    """Say what a method costs, by what is measured for it."""
    needs = METHODS[method].needs
    if "gradient_norms" in needs:
        return "Computes gradients first; later jobs with the same model and text share them."
    if "second_moments" in needs:
        return "Solves for the kept weights of each layer: slower than a score, without gradients."
    return "One pass over the calibration text." if needs else "Needs no calibration text: the fastest."


def _about(chosen: type) -> str:
    return chosen.__doc__ or ""
