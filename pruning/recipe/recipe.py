"""The recipe model, its validation across fields, its fingerprint, and the stages of a run."""

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal, get_args

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError, PydanticKnownError

from pruning.recipe.datasets import Calibration, content_name, gradient_job, is_upload
from pruning.recipe.fields import (
    LayerSelection,
    ModelReference,
    Pattern,
    StrictModel,
    Text,
    group_of,
    is_local,
)
from pruning.recipe.methods import (
    Allocation,
    GradientNorm,
    Method,
    MethodOptions,
    Need,
    NoPruning,
    Uniform,
    WeightNorm,
)
from pruning.recipe.presets import expand_preset
from pruning.recipe.recovery import DistilOptions, RecoveryOptions, Refit
from pruning.recipe.structure import StructureOptions


class Stage(StrEnum):
    """A stage of a run. The service adds `upload`; the library ends after `speed`."""

    RESOLVE = "resolve"
    GRADIENTS = "gradients"
    CUT = "cut"
    PRUNE = "prune"
    RECOVER = "recover"
    EVALUATE = "evaluate"
    EXPORT = "export"
    SPEED = "speed"
    UPLOAD = "upload"


Order = Literal["blocks", "layers"]
ChannelKind = Literal["value_channels", "mlp_channels"]
"""Channels whose order makes no difference to a dense model: of each value head, and of each MLP."""

CHANNEL_KINDS: tuple[ChannelKind, ...] = get_args(ChannelKind)

ComputeDtype = Literal["auto", "float64", "float32", "bfloat16", "float16"]

STRUCTURE_ONLY = "structure"
"""The method name of a recipe that removes units and masks nothing."""

NORMS_ONLY = "norms"
"""The method name of a recipe that computes gradient norms and prunes nothing."""

_SPARSITY_TOLERANCE = 0.001


class Recipe(StrictModel):
    """Everything that decides the pruned weights. Two equal recipes give equal results."""

    model: ModelReference = Field(description="The dense model, by id or with a revision.")
    structure: StructureOptions | None = Field(
        None, description="Which units are taken out of the model, before a method masks what is left."
    )
    norms: tuple[WeightNorm, ...] = Field(
        (),
        max_length=2,
        strict=False,  # JSON has lists where Python has tuples
        description="Gradient norms to compute and keep, for later jobs: `l1`, `l2` or both. Nothing is "
        "pruned then, so method and structure are left out.",
    )
    method: Method | None = Field(
        None,
        validate_default=True,
        description="How weights are scored, by the method's name or with its options. Without one nothing "
        "is masked, and `structure` or `norms` is required.",
    )
    pattern: Pattern = Field(
        "unstructured",
        description="Where zeros may lie: anywhere, or N:M: at most N non-zero of M consecutive weights.",
    )
    sparsity: float = Field(
        None,  # filled in by an N:M pattern; otherwise the validator refuses it
        ge=0,
        lt=1,
        validate_default=True,
        description="The share of zeros in the pruned layers. An N:M pattern implies it: 1 - N/M. 0 without "
        "a method.",
    )
    permute: bool = Field(
        False,
        description="For an N:M pattern: put MLP channels, and the channels of each value head, in an order "
        "in which the pattern keeps more, before a block's masks are chosen. The dense model computes the "
        "same in any order; the pruned one is written in the new order.",
    )
    allocation: Allocation = Field(
        Uniform(), validate_default=True, description="How the sparsity is spread over the layers."
    )
    layers: LayerSelection = Field(LayerSelection(), description="Which layers are pruned.")
    refit: Refit = Field(None, description="Whether to solve for the kept weights again after pruning.")
    swaps: int | None = Field(
        None,
        ge=1,
        le=100_000,
        description="Exchange kept for pruned weights of a row while that lowers the error of its outputs, "
        "at most so many times in a row, such as 1000. No weight gets a new value. No swaps when left out.",
    )
    order: Order = Field(
        "blocks",
        description="What has been pruned when a layer's inputs are measured: `blocks`, the earlier blocks "
        "(as in the reference); or `layers`, the earlier layers of its own block too.",
    )
    gradients: Text | None = Field(
        None,
        description="Gradient norms of the same weights to use instead of computing them: `gradient:<id>` of "
        "a gradient job, `upload:<id>`, or the path of a file that an earlier run saved.",
    )
    calibration: Calibration = Field(
        Calibration(), description="The text on which activations and gradients are measured."
    )
    dtype: ComputeDtype = Field(
        "auto",
        description="The precision of the computation, not of the saved weights; weights that a method "
        "solves for are rounded to it.",
    )
    recovery: RecoveryOptions | None = Field(
        None, description="Whether kept weights are trained after pruning, and how."
    )

    @field_validator("recovery")
    @classmethod
    def _validate_recovery(
        cls, recovery: RecoveryOptions | None, info: ValidationInfo
    ) -> RecoveryOptions | None:
        if recovery is not None and info.data.get("norms"):
            raise ValueError("not allowed with norms, which prunes nothing; leave one of the two out")
        dense = info.data.get("structure", ...) is None and isinstance(info.data.get("method"), NoPruning)
        if recovery is not None and dense:
            raise ValueError("trains what pruning has left, and method none leaves the dense model; omit it")
        return recovery

    @model_validator(mode="before")
    @classmethod
    def _expand_presets(cls, value: Any) -> Any:  # noqa: ANN401 - what a client sent, not yet validated
        return expand_preset(value) if isinstance(value, Mapping) else value

    @field_validator("norms")
    @classmethod
    def _validate_norms(cls, norms: tuple[WeightNorm, ...], info: ValidationInfo) -> tuple[WeightNorm, ...]:
        if len(set(norms)) < len(norms):
            raise ValueError("names a norm twice")
        if norms and info.data.get("structure") is not None:
            raise ValueError("are those of the dense model, and structure changes it; leave one of them out")
        return norms

    @field_validator("method")
    @classmethod
    def _require_method_or_structure(
        cls, method: MethodOptions | None, info: ValidationInfo
    ) -> MethodOptions | None:
        norms = info.data.get("norms")
        if method is None and info.data.get("structure", ...) is None and norms == ():
            raise PydanticCustomError("required", "is required unless structure or norms is given")
        if method is not None and norms:
            raise ValueError("prunes, and norms only computes gradients; leave one of the two out")
        return method

    @field_validator("pattern", "permute", "allocation", "layers", "refit", "swaps", "order")
    @classmethod
    def _validate_mask_option(cls, value: object, info: ValidationInfo) -> object:
        default = cls.model_fields[str(info.field_name)].default
        method = info.data.get("method", ...)
        if (method is None or isinstance(method, NoPruning)) and value != default:
            raise ValueError("says how weights are masked; name a method that prunes, or leave it out")
        return value

    @field_validator("pattern")
    @classmethod
    def _validate_pattern_for_selection(cls, pattern: str, info: ValidationInfo) -> str:
        selection = getattr(info.data.get("method"), "selection", "share")
        if group_of(pattern) is not None and selection != "share":
            raise ValueError(
                f"{pattern} fixes which weights compete; use 'unstructured' with selection '{selection}'"
            )
        return pattern

    @field_validator("permute")
    @classmethod
    def _validate_permute_for_pattern(cls, permute: bool, info: ValidationInfo) -> bool:
        if permute and "pattern" in info.data and group_of(info.data["pattern"]) is None:
            raise ValueError(
                "only an N:M pattern depends on the order of channels; give one, or leave it out"
            )
        return permute

    @field_validator("allocation")
    @classmethod
    def _validate_allocation_for_pattern(cls, allocation: Allocation, info: ValidationInfo) -> Allocation:
        pattern = info.data.get("pattern", "unstructured")
        if isinstance(allocation, Uniform):
            return allocation
        if group_of(pattern) is not None:
            raise ValueError(f"pattern {pattern} fixes the sparsity of every layer; leave allocation out")
        if getattr(info.data.get("method"), "selection", "share") != "share":
            raise ValueError(
                "needs each layer's sparsity met exactly, which selection 'cumulative' cannot do"
            )
        return allocation

    @field_validator("gradients")
    @classmethod
    def _validate_gradients_used(cls, path: str | None, info: ValidationInfo) -> str | None:
        if path is None:
            return None
        content = content_name(path)
        named = is_upload(path) or gradient_job(path) or (content and content.endswith(".safetensors"))
        if not named and (not is_local(path) or ".." in path.split("/")):
            raise ValueError(
                "must be 'gradient:' with the id of a gradient job, 'upload:' with the id of an upload, or "
                "an absolute path without '..'"
            )
        users = [info.data[name] for name in ("method", "allocation") if info.data.get(name) is not None]
        if not any("gradient_norms" in user.needs for user in users):
            raise ValueError("neither method nor allocation uses gradients; leave it out")
        if info.data.get("structure") is not None:
            raise ValueError("saved gradients are those of the dense model, and structure changes it")
        return path

    @field_validator("sparsity", mode="before")
    @classmethod
    def _validate_sparsity_for_pattern(cls, value: object, info: ValidationInfo) -> object:
        method = info.data.get("method", ...)
        if method is None or isinstance(method, NoPruning):
            if value not in (None, 0):
                raise ValueError("is a mask's share of zeros; name a method that prunes, or leave it out")
            return 0.0
        if "pattern" not in info.data:  # it was refused, and says whether a sparsity is required
            return 0.0 if value is None else value
        group = group_of(info.data["pattern"])
        if group is None:
            if value is None:
                raise PydanticCustomError(
                    "required",
                    "is required unless the pattern is N:M, the method is none, or structure is given "
                    "without a method",
                )
            if isinstance(value, int | float) and value <= 0:
                raise PydanticKnownError("greater_than", {"gt": 0.0})
            return value
        implied = 1 - group[0] / group[1]
        if value is None:
            return implied
        # Compared, not subtracted: NaN compares false, and an integer of any size does not overflow.
        near = (implied - _SPARSITY_TOLERANCE, implied + _SPARSITY_TOLERANCE)
        if isinstance(value, int | float) and not near[0] <= value <= near[1]:
            raise ValueError(
                f"pattern {group[0]}:{group[1]} means {implied:g}; leave sparsity out, or give that"
            )
        return implied if isinstance(value, int | float) else value

    @field_validator("swaps")
    @classmethod
    def _validate_swaps_for_method(cls, swaps: int | None, info: ValidationInfo) -> int | None:
        if swaps is None:
            return None
        method = info.data.get("method")
        if method is not None and method.updates_weights:
            raise ValueError(f"{method.name} changes the kept weights, and swaps are for those that stay")
        if info.data.get("refit") is not None:
            raise ValueError("a refit changes the kept weights, and swaps are for those that stay; use one")
        return swaps

    @field_validator("order")
    @classmethod
    def _validate_order_is_used(cls, order: Order, info: ValidationInfo) -> Order:
        users = [info.data[name] for name in ("method", "allocation", "refit") if info.data.get(name)]
        measures = any(user.needs & {"input_norms", "second_moments"} for user in users)
        if order == "layers" and not (measures or info.data.get("swaps") or info.data.get("permute")):
            raise ValueError("says when inputs are measured, and this recipe measures none; leave it out")
        return order

    @property
    def method_name(self) -> str:
        """The name of the method; `STRUCTURE_ONLY` or `NORMS_ONLY` for a recipe that masks nothing."""
        if self.norms:
            return NORMS_ONLY
        return self.method.name if self.method else STRUCTURE_ONLY

    @property
    def masks(self) -> bool:
        """Whether weights are set to zero."""
        return self.method is not None and not isinstance(self.method, NoPruning)

    @property
    def mask_method(self) -> MethodOptions:
        """The method of a recipe that masks. Raises ValueError for any other."""
        if self.method is None or not self.masks:
            raise ValueError("this recipe masks nothing")
        return self.method

    @property
    def needs(self) -> frozenset[Need]:
        """What masking measures on the calibration windows."""
        needs = self.method.needs if self.method else frozenset[Need]()
        if self.swaps:
            needs |= {"second_moments"}
        needs |= self.allocation.needs | (self.refit.needs if self.refit else frozenset())
        if self.permute:  # at least to check that a permuted block computes the same
            needs |= {"input_norms"}
        return needs

    @property
    def reads_text(self) -> bool:
        """Whether anything is measured on calibration windows."""
        return bool(self.needs or self.norms or self.structure)

    @property
    def computes_weights(self) -> bool:
        """Whether masking a block may give new values to weights that it keeps."""
        updates = self.method is not None and self.method.updates_weights
        return self.refit is not None or updates

    @property
    def distil(self) -> DistilOptions | None:
        """How the dense model is distilled into the whole pruned one; None where it is not."""
        return self.recovery.distil if self.recovery else None

    @property
    def training_texts(self) -> tuple[tuple[str, str], ...]:
        """Pairs of a field and the dataset that it names, of texts that only recovery reads."""
        if self.distil is None or self.distil.dataset is None:
            return ()
        return (("recovery.distil.dataset", self.distil.dataset),)

    @property
    def gradient_norms(self) -> frozenset[GradientNorm]:
        """The gradient norms that the method and the allocation use, or that are to be kept."""
        norms: set[GradientNorm] = set(self.norms)
        if self.method is not None and "gradient_norms" in self.method.needs:
            norms.add(getattr(self.method, "norm", "l1"))
        if "gradient_norms" in self.allocation.needs:
            norms.add("l2")
        return frozenset(norms)

    @property
    def needs_gradient_pass(self) -> bool:
        """Whether gradients of weights or of gates are computed, unless a file has those of weights."""
        return bool(self.gradient_norms) or (self.structure is not None and bool(self.structure.ranks))

    def fingerprint(self) -> str:
        """The SHA-256 of the recipe's values as JSON, as 64 hex digits.

        Fields that are None are left out, so that a later version can add one.
        """
        values = self.model_dump(mode="json", exclude_none=True)
        text = json.dumps(values, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def why_no_mask(fields: Mapping[str, Any]) -> str | None:
    """Return why the export `mask` cannot hold the result of these valid fields; None where it can."""
    method = fields["method"]
    changing = (name for name in ("structure", "permute", "refit", "recovery") if fields.get(name))
    if method is None or isinstance(method, NoPruning):
        reason = "this recipe masks nothing"
    elif method.updates_weights:
        reason = f"method {method.name} gives kept weights new values"
    elif (name := next(changing, None)) is not None:
        reason = f"{name} changes or moves weights that are kept"
    else:
        return None
    return f"mask holds which weights are zero, and no more; {reason}: leave mask out"
