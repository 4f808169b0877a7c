"""The part of the form that makes several jobs: what to vary about the job, or what to search for."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from api.page.submit.fields import FormField, fields_of
from api.problems.problem import FieldError
from api.problems.problems import InvalidRequest
from api.schemas.sweeps import SweepRequest
from jobs.sweeps.target import Target
from pruneserve_client.quantities import amount

_UNIFORM = {"name": "uniform"}
_NEXT_NAME = re.compile(r"\+(?=\s*\w+\s*=)")

_TITLES = {
    "target.max_perplexity": "Search: perplexity at most",
    "target.max_perplexity_increase": "Search: increase over dense at most",
    "target.max_bytes": "Search: bytes at most",
    "target.max_parameters": "Search: parameters at most",
    "target.max_memory_bytes": "Search: peak memory in bytes at most",
    "target.min_speedup": "Search: speed over dense at least",
    "target.over": "Search over",
    "target.most_jobs": "Search with at most so many jobs",
    "target.lowest": "Search from",
    "target.highest": "Search up to",
    "target.tolerance": "Search to within",
}


def _of_the_target() -> Iterator[FormField]:
    """Yield the fields. A choice is a text here: a select sends one even where nothing is searched."""
    for field in fields_of(Target, "target."):
        plain = replace(field, kind="text", choices=()) if field.kind == "choice" else field
        yield replace(plain, title=_TITLES[field.name])


FIELDS = (
    FormField(
        "vary.sparsity", "shares", "", "Every one of them, such as 30%, 50%.", title="Sparsities to try"
    ),
    FormField("vary.pattern", "list", "", "Such as unstructured, 2:4.", title="Patterns to try"),
    FormField(
        "vary.method",
        "list",
        "",
        "Such as wanda, gblm. The options above are those of the method that is chosen there.",
        title="Methods to try",
    ),
    FormField(
        "vary.structure",
        "list",
        "",
        "Each a cut, or none: such as none, mlp_channels=25%, mlp_channels=20%+kv_groups=1.",
        title="Cuts to try",
    ),
    *_of_the_target(),
)


def sweep_of(body: dict[str, Any]) -> SweepRequest | None:
    """Return the sweep or search that the form describes, or None for a single job.

    Raises InvalidRequest for a field of the job that the sweep decides.
    """
    job = {name: value for name, value in body.items() if name not in ("vary", "target")}
    several = {name: body[name] for name in ("vary", "target") if body.get(name)}
    if not several:
        return None
    if "vary" in several:
        several["vary"] = _varied(several["vary"], job)
    _refuse_decided(several, job)
    try:
        return SweepRequest.model_validate({"job": job, **several})
    except ValidationError as error:
        errors = [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
        raise RequestValidationError(errors, body=body) from error


def _varied(vary: Mapping[str, list[str]], job: dict[str, Any]) -> dict[str, list[Any]]:
    """Return what varies. If methods do, the job's own is dropped, and its options go to it in the list."""
    varied: dict[str, list[Any]] = dict(vary)
    if "structure" in vary:
        varied["structure"] = [_cut(text) for text in vary["structure"]]
    if "method" in vary:
        # The select of the allocation sends its default, which a preset among the methods would not have.
        if job.get("allocation") == _UNIFORM:
            del job["allocation"]
        chosen = job.pop("method", {})
        varied["method"] = [
            chosen if name == chosen.get("name") and len(chosen) > 1 else name for name in vary["method"]
        ]
    return varied


def _cut(text: str) -> object:
    """Parse a cut: names and values joined by `+`, or `none`. A value may hold a `+` itself."""
    if text == "none":
        return None
    pairs = (part.partition("=") for part in _NEXT_NAME.split(text))
    return {name.strip(): _amount_or_text(value.strip()) for name, _, value in pairs}


def _amount_or_text(text: str) -> object:
    try:
        return amount(text)
    except ValueError:
        return text


def _refuse_decided(several: Mapping[str, Any], job: Mapping[str, Any]) -> None:
    vary = several.get("vary", {})
    errors = [
        FieldError.of(name, "must be empty, because the values to try are given below", job[name])
        for name in ("sparsity", "pattern", "structure")
        if name in vary and name in job
    ]
    if "target" in several:
        target = several["target"]
        bounded = any(target.get(name) for name in ("max_perplexity", "max_perplexity_increase"))
        of_a_mask = ("sparsity",) if bounded and target.get("over", "sparsity") == "sparsity" else ()
        errors += [
            FieldError.of(name, "must be empty, because the search decides it", job[name])
            for name in (*of_a_mask, "gate")
            if name in job
        ]
    if errors:
        raise InvalidRequest(*errors)
