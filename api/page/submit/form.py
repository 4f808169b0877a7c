"""The form for a new job: its fields, and the request that they describe.

The fields override the recipe (JSON); the goal adds what both leave out.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, get_args

from fastapi.exceptions import RequestValidationError

from api.actions.checks import parse_job, parse_request
from api.page.base.format import NOTHING
from api.problems.base import FieldError
from api.problems.catalogue import InvalidRequest
from api.problems.handlers import as_problem
from api.schemas.job_requests import JobRequest
from api.schemas.sweeps import SweepRequest
from pruneserve_client.user_input import QUICK, amount, number, share, size, whole_number
from pruning.recipe import (
    ALLOCATIONS,
    METHODS,
    PRESETS,
    UNIT_KINDS,
    Calibration,
    Evaluation,
    implies_sparsity,
)

Kind = Literal["text", "choice", "number", "integer", "share", "amount", "list", "pairs", "json"]


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its dotted path in the request, and how the form shows it."""

    path: str
    title: str
    hint: str
    kind: Kind = "text"
    placeholder: str = ""
    choices: tuple[str, ...] = ()
    listed: str = ""
    """The list of suggestions in the page, by its id."""

    def read(self, text: str) -> object:
        """Return the value of the request for a text. Raises ValueError, with what to write."""
        return _PARSERS.get(self.kind, str)(text.strip())

    def write(self, value: object) -> str | None:
        """Return the text that is read as this value; None where no text is read as it."""
        text: str | None = None
        match self.kind, value:
            case (("choice" | "text"), str()) if value in (self.choices or (value.strip(),)):
                text = value
            case (("number" | "integer" | "amount" | "share"), int() | float()) if not isinstance(
                value, bool
            ):
                is_share = self.kind == "share" or (self.kind == "amount" and value < 1)
                text = as_percent(value) if is_share else str(value)
            case "list", list() if all(isinstance(one, str) for one in value):
                text = ", ".join(value)
        return text


def as_percent(value: float) -> str:
    """Write a share in percent, exactly."""
    return f"{Decimal(str(value)).scaleb(2).normalize():f}%"


def set_field(body: dict[str, Any], path: str, value: object) -> None:
    """Set a value in a request. A name in the place of an object becomes that object's name."""
    *parents, last = path.split(".")
    for parent in parents:
        inner = body.get(parent)
        short = {"id" if parent == "model" else "name": inner} if isinstance(inner, str) else {}
        if not isinstance(inner, dict):
            body[parent] = short
        body = body[parent]
    body[last] = value


def pop_field(body: dict[str, Any], path: str, field: Field) -> str | None:
    """Take a value out of a request and return it as text; None where it is not there or has no text."""
    first, _, rest = path.partition(".")
    value = body.get(first)
    if rest in ("id", "name") and isinstance(value, str):
        rest = ""
    if rest:
        text = pop_field(value, rest, field) if isinstance(value, dict) else None
        if text is not None and not value:
            del body[first]
        return text
    text = None if value is None else field.write(value)
    if text is not None:
        del body[first]
    return text


def _pairs(text: str) -> Mapping[str, str]:
    pairs = {}
    for part in filter(str.strip, text.split(",")):
        name, _, value = map(str.strip, part.partition("="))
        if not (name and value):
            raise ValueError(FieldError.of("labels", "must be written name=value", part.strip()).reason)
        pairs[name] = value
    return pairs


_PARSERS: Mapping[Kind, Callable[[str], object]] = {
    "number": number,
    "share": share,
    "integer": whole_number,
    "amount": amount,
    "list": lambda text: [part.strip() for part in text.split(",") if part.strip()],
    "pairs": _pairs,
}


Goal = Literal["zeros", "smaller", "quick"]

GOALS: Mapping[Goal, str] = {
    "zeros": "Least loss in quality, with zeros",
    "smaller": "Smaller and faster",
    "quick": "Quickest answer",
}
MODEL = Field("model.id", "Model", "A Hub id, or an absolute path under an allowed root.", listed="models")
AMOUNT = Field(
    "amount",
    "How much",
    "The share to cut, such as 50%; for a smaller model also the size of a GGUF file, such as 200MB. Empty "
    "with the method none, which prunes nothing.",
)
_SHORT = {
    name: {field: value for field, value in fields.items() if field != "speed"}
    for name, fields in QUICK.items()
}
"""What the built-in text adds to a job, so that it is enough for a first result."""
_BUILTIN = _SHORT["calibration"]["dataset"]
TEXT = Field(
    "calibration.dataset",
    "Text",
    "The text to prune on: a data set by name, a file's path, or one of your uploads. "
    f"With {_BUILTIN} the job is short and measured on it too: {_SHORT['calibration']['samples']} windows of "
    f"{_SHORT['calibration']['sequence_length']} tokens each, unless Advanced says otherwise.",
    placeholder=str(Calibration().dataset),
    listed="datasets",
)
RECIPE = Field(
    "recipe",
    "Recipe (JSON)",
    "Every other option, as POST /v1/jobs or POST /v1/sweeps takes it. Fields of this form override it; "
    "where it names a method, a structure or norms, the goal adds none.",
    kind="json",
)
_METHOD = "method.name"
ADVANCED = (
    Field(
        _METHOD,
        "Method",
        "The method or preset that chooses the zeros, in place of the goal's.",
        "choice",
        choices=(*PRESETS, *METHODS),
    ),
    Field("method.norm", "Norm", "How gblm and gradient add up gradients.", "choice", choices=("l1", "l2")),
    Field(
        "pattern", "Pattern", "2:4 keeps 2 of every 4 weights.", placeholder="unstructured", listed="patterns"
    ),
    Field(
        "allocation.name",
        "Allocation",
        "How the zeros are spread over the layers.",
        "choice",
        choices=tuple(ALLOCATIONS),
    ),
    *(
        Field(f"structure.{kind.name}", f"{kind.label} out", kind.form_hint, "amount")
        for kind in UNIT_KINDS.values()
        if kind.form_hint
    ),
    Field("calibration.samples", "Windows", "How many to read.", "integer", str(Calibration().samples)),
    Field("calibration.sequence_length", "Window length", "Tokens per window.", "integer", "at most 2048"),
    Field(
        "evaluation.dataset",
        "Evaluation text",
        "The text on which perplexity is measured.",
        placeholder=Evaluation().dataset,
        listed="datasets",
    ),
    Field("evaluation.tasks", "Zero-shot tasks", "Tasks to score, such as piqa, hellaswag.", "list"),
    Field(
        "exports",
        "Exports",
        "Files for engines, such as gguf:Q8_0, gguf:Q4_K_M; the method none quantises the dense model.",
        "list",
        listed="exports",
    ),
    Field("gate.export", "Gate: on export", "The export that must pass; else the model.", listed="exports"),
    Field("gate.max_perplexity_increase", "Gate: perplexity", "How far it may rise: 5%.", "share"),
    Field("gate.max_kl", "Gate: KL", "How far from dense, in nats: 0.1.", "number"),
    Field("gate.min_speedup", "Gate: speed", "How many times as fast as dense: 1.2.", "number"),
    Field("name", "Name", "The headline of the job in lists."),
    Field("labels", "Labels", "Names and values to find it by: team=search, run=7.", "pairs"),
    Field("priority", "Priority", "Your queued job with the highest number runs first.", "integer", "0"),
    RECIPE,
)
_LEGENDS = {
    "Zeros": ("method", "pattern", "allocation"),
    "Cuts": ("structure",),
    "Texts": ("calibration", "evaluation"),
    "Exports and gate": ("exports", "gate"),
    "Everything else": ("name", "labels", "priority", RECIPE.path),
}
ADVANCED_GROUPS: Mapping[str, Sequence[Field]] = {
    legend: [field for field in ADVANCED if field.path.partition(".")[0] in names]
    for legend, names in _LEGENDS.items()
}
FIELDS = (MODEL, AMOUNT, TEXT, *ADVANCED)

_SIZE = re.compile(r"[kmgt]b?$|b$|^\d{4,}$", re.IGNORECASE)
_SHARE = "write a share such as 50%"


def parse_form(typed: Mapping[str, str]) -> JobRequest | SweepRequest:
    """Return the request that the form describes. Raises InvalidRequest, which names fields of the form."""
    recipe = _recipe(typed.get(RECIPE.path, ""))
    is_sweep = "job" in recipe
    body = recipe["job"] if is_sweep else recipe
    several = {name: value for name, value in recipe.items() if name != "job"} if is_sweep else {}
    goal_adds = not is_sweep and not {"method", "structure", "norms"} & body.keys()
    errors = [*_put_fields(body, typed)]
    if not is_sweep and typed.get(TEXT.path, "").strip() == _BUILTIN:
        _fill(body, {name: fields for name, fields in _SHORT.items() if _is_on_builtin(body, name)})
    goal = typed.get("goal") or "zeros"
    try:
        if goal not in get_args(Goal):
            raise InvalidRequest(FieldError.of("goal", f"must be one of {', '.join(GOALS)}", goal))
        if text := typed.get(AMOUNT.path, "").strip():
            several |= _put_amount(body, goal, text)
        if goal_adds:
            _put_goal(body, goal, is_sized=bool(several))
    except InvalidRequest as problem:
        errors += problem.errors or []
    try:
        request = parse_request(SweepRequest, {"job": body, **several}) if several else parse_job(body)
    except RequestValidationError as error:
        found = (as_form_error(each, typed) for each in as_problem(error).errors or ())
        named = {each.field for each in errors}
        if named & {"goal", AMOUNT.path, _METHOD}:  # of which the others follow
            named |= {"goal", AMOUNT.path}
        raise InvalidRequest(*errors, *(each for each in found if each.field not in named)) from error
    if errors:
        raise InvalidRequest(*errors)
    return request


def form_values(request: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of the form for a request; what no field can hold is in the recipe."""
    body = deepcopy(dict(request))
    typed = {"goal": "zeros"}
    if body.get("calibration", {}).get("dataset") == _BUILTIN:  # its numbers, or the form makes a shorter job
        _fill(body, {"calibration": {"samples": Calibration().samples, "sequence_length": None}})
        if not body.get("norms"):
            _fill(body, {"evaluation": {"dataset": Evaluation().dataset}})
        if _is_on_builtin(body, "evaluation"):
            _fill(body, {"evaluation": {"windows": None, "sequence_length": None}})
    amount = body.pop("sparsity", None) if "method" in body else None
    if "method" not in body and isinstance(structure := body.get("structure"), dict):
        typed["goal"] = "smaller"
        amount = structure.pop("parameters", None)
        body = {name: value for name, value in body.items() if value != {}}
    if amount is not None:
        typed[AMOUNT.path] = as_percent(amount)
    for field in (MODEL, TEXT, *ADVANCED):
        if (text := pop_field(body, field.path, field)) is not None:
            typed[field.path] = text
    if body:
        typed[RECIPE.path] = json.dumps(body, indent=2, ensure_ascii=False)
    return typed


def as_form_error(error: FieldError, typed: Mapping[str, str]) -> FieldError:
    """Return an error at the field of the form that it is about."""
    field = error.field.removeprefix("job.")
    path = _form_field(field, typed)
    names_field = field in (path, "body") or path not in (RECIPE.path, "goal")
    message = error.message if names_field else f"{field} {error.message}"
    return error.model_copy(update={"field": path, "message": message})


def _form_field(field: str, typed: Mapping[str, str]) -> str:
    of_amount = ("target", "structure") if typed.get("goal") == "smaller" else ()
    if field == "body":
        return _METHOD if typed.get(_METHOD) else "goal"
    known = {each.path for each in FIELDS}
    parts = field.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        for path in (name, f"{name}.id", f"{name}.name"):
            if path in known and (path != _METHOD or typed.get(path)):
                return path
    if parts[0] == "gate" and typed.get("gate.export"):
        return "gate.export"
    of_recipe = bool(typed.get(RECIPE.path, "").strip())
    if parts[0] == "sparsity" or (parts[0] in of_amount and not of_recipe):
        return AMOUNT.path
    return RECIPE.path if of_recipe else "goal"


def _recipe(text: str) -> dict[str, Any]:
    """Parse the recipe. Raises InvalidRequest for one that is not an object, or holds a job that is none."""
    try:
        recipe = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        message = f"is not JSON: {error}"
    else:
        if isinstance(recipe, dict) and isinstance(recipe.get("job", {}), dict):
            return recipe
        message = 'must be an object: the fields of a job, or {"job": {…}, "vary": {…}} for several'
    raise InvalidRequest(FieldError(field=RECIPE.path, message=message))


def _put_fields(body: dict[str, Any], typed: Mapping[str, str]) -> list[FieldError]:
    """Put what was typed into a request. Returns an error for each field that cannot be read."""
    errors = []
    for field in (MODEL, TEXT, *ADVANCED):
        text = typed.get(field.path, "").strip()
        if not text or field is RECIPE:
            continue
        if field.path == "method.norm" and not ("method" in body or typed.get(_METHOD)):
            errors.append(FieldError(field=field.path, message="needs a method: choose gblm or gradient"))
            continue
        try:
            set_field(body, field.path, field.read(text))
        except ValueError as error:
            errors.append(FieldError(field=field.path, message=str(error)))
    return errors


def _put_amount(body: dict[str, Any], goal: str, text: str) -> dict[str, Any]:
    """Put how much is cut into a request. Returns the target of a search, for a size in bytes."""
    is_size = _SIZE.search(text) is not None
    if is_size and goal != "smaller":
        message = f"zeros make no file smaller: {_SHARE}, or choose the goal 'Smaller and faster'"
        raise InvalidRequest(FieldError.of(AMOUNT.path, message, text))
    try:
        if is_size:
            return {"target": {"max_bytes": size(text), "format": "gguf"}}
        set_field(body, "structure.parameters" if goal == "smaller" else "sparsity", share(text))
    except ValueError as error:
        raise InvalidRequest(FieldError(field=AMOUNT.path, message=str(error))) from error
    return {}


def _put_goal(body: dict[str, Any], goal: str, *, is_sized: bool) -> None:
    """Add the fields of the goal. `is_sized`: a size was given, for which a search finds the file."""
    if goal == "smaller":
        if "structure" not in body and not is_sized:
            message = "is required: write a share such as 25%, or a size such as 200MB"
            raise InvalidRequest(FieldError(field=AMOUNT.path, message=message))
        if _masks(body) and "sparsity" not in body and not implies_sparsity(body.get("pattern")):
            message = "puts zeros into the model: choose that goal, and write under Advanced what to take out"
            raise InvalidRequest(FieldError(field=_METHOD, message=message))
        return
    if goal == "quick":
        _fill(body, {"method": "wanda", **QUICK})  # as `--method wanda --quick`
    body.setdefault("method", "best")
    if _masks(body) and "sparsity" not in body and not implies_sparsity(body.get("pattern")):
        message = f"is required: {_SHARE}, or choose the method none, which prunes nothing"
        raise InvalidRequest(FieldError(field=AMOUNT.path, message=message))


def _is_on_builtin(body: Mapping[str, Any], name: str) -> bool:
    """Whether a text of the request is the built-in one, or left out. Gradient norms measure nothing."""
    given = body.get(name, {})
    dataset = given.get("dataset") if isinstance(given, dict) else given
    return dataset in (None, _BUILTIN) and (name == "calibration" or not body.get("norms"))


def _masks(body: Mapping[str, Any]) -> bool:
    """Whether a method is named that puts zeros into the model."""
    method = body.get("method")
    return (method.get("name") if isinstance(method, dict) else method) not in (None, NOTHING)


def _fill(body: dict[str, Any], defaults: Mapping[str, Any]) -> None:
    """Add what is not there. A value in the place of an object stays, and validation refuses it."""
    for name, value in defaults.items():
        given = body.setdefault(name, {} if isinstance(value, dict) else value)
        if isinstance(value, dict) and isinstance(given, dict):
            _fill(given, value)
