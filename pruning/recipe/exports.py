"""Exports: formats in which engines serve a result, and its mask. They change no weight of the result."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, model_validator

from pruning.recipe.fields import StrictModel, Text

Scheme = Literal["fp8", "w4a16"]
ImportanceKind = Literal["activations", "gradients"]
"""How the importance of an input is measured; see `pruning.calibration.input_importance`."""

FOLDER = "exports"
"""Below the result: where the exports are."""

MASK = "mask"
"""The name of the export that is a mask."""

MASK_ONLY = "mask:only"
"""The name of one that the result keeps in place of its weights."""


@dataclass(frozen=True)
class GgufType:
    """A type of llama.cpp's, by its number in `enum llama_ftype`."""

    number: int
    bits: float
    """Per weight, roughly; embeddings and rows that do not fit differ."""
    needs_importance: bool = False
    """Whether llama.cpp refuses it without an importance of each input."""


GGUF_TYPES: Mapping[str, GgufType] = {
    "F16": GgufType(1, 16),
    "BF16": GgufType(32, 16),
    "Q8_0": GgufType(7, 8.5),
    "Q6_K": GgufType(18, 6.6),
    "Q5_1": GgufType(9, 6),
    "Q5_K_M": GgufType(17, 5.7),
    "Q5_K_S": GgufType(16, 5.5),
    "Q5_0": GgufType(8, 5.5),
    "Q4_1": GgufType(3, 5),
    "Q4_K_M": GgufType(15, 4.9),
    "Q4_K_S": GgufType(14, 4.6),
    "Q4_0": GgufType(2, 4.5),
    "IQ4_NL": GgufType(25, 4.5),
    "IQ4_XS": GgufType(30, 4.3),
    "Q3_K_L": GgufType(13, 4.3),
    "Q3_K_M": GgufType(12, 3.9),
    "IQ3_M": GgufType(27, 3.7),
    "IQ3_S": GgufType(26, 3.5),
    "Q3_K_S": GgufType(11, 3.5),
    "IQ3_XS": GgufType(22, 3.3, needs_importance=True),
    "IQ3_XXS": GgufType(23, 3.1, needs_importance=True),
    "Q2_K": GgufType(10, 3.2),
    "Q2_K_S": GgufType(21, 2.8, needs_importance=True),
}
"""By name; from 16 bits to Q2_K."""

# Types in blocks of 32 weights of a row; those of more than 8 bits take any row, and the others 256.
_IN_BLOCKS_OF_32 = frozenset({"Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0", "IQ4_NL"})
# What llama.cpp stores rows in that are not a multiple of 256: Q5_0, Q5_1 and Q8_0; IQ4_NL for fewer bits.
_BITS_OF_OTHER_ROWS = {"Q4": 5.5, "Q5": 6.0, "Q6": 8.5}
_FEWEST_BITS_OF_OTHER_ROWS = 4.5
# A type of so many bits loses nothing by rounding to it that an importance could choose.
_FINE_BITS = 8
_GROUP_SIZE = 64


def _known_type(name: str) -> str:
    if name not in GGUF_TYPES:
        raise ValueError(f"is not a GGUF type; use one of {', '.join(GGUF_TYPES)}")
    return name


class GgufExport(StrictModel):
    """A GGUF file, which llama.cpp and what is built on it serve."""

    format: Literal["gguf"] = Field("gguf", description="The format.")
    type: Annotated[Text, AfterValidator(_known_type)] = Field(
        description="A type of llama.cpp's, such as Q8_0 or Q4_K_M."
    )
    importance: ImportanceKind = Field(
        "activations",
        description="What the calibration windows say of each input of a layer, by which a type of fewer "
        "than 8 bits is rounded: `activations`, its mean square; `gradients`, the squared gradients of its "
        "weights, which take about three times as long.",
    )

    @model_validator(mode="after")
    def _is_rounded_by_the_importance(self) -> Self:
        if self.importance == "gradients" and not self.reads_text:
            raise ValueError(f"importance is gradients, and {self.type} is rounded without one; leave it out")
        return self

    @property
    def name(self) -> str:
        """What names the export in reports, gates and on the command line."""
        return f"{self.format}:{self.label}"

    @property
    def label(self) -> str:
        """The name without the format."""
        return self.type if self.importance == "activations" else f"{self.type}:{self.importance}"

    @property
    def bits(self) -> float:
        """Bits per weight, roughly."""
        return GGUF_TYPES[self.type].bits

    def bits_in_rows_of(self, width: int) -> float:
        """Bits per weight, roughly, in rows of so many: where a type does not fit, llama.cpp has another."""
        if self.bits > 8.5 or width % 32:
            return 16
        if width % 256 and self.type not in _IN_BLOCKS_OF_32:
            return _BITS_OF_OTHER_ROWS.get(self.type[:2], _FEWEST_BITS_OF_OTHER_ROWS)
        return self.bits

    def bits_of_embeddings(self, hidden: int) -> float:
        """Bits per weight of embeddings and head, which llama.cpp keeps in Q6_K or wider."""
        return max(self.bits_in_rows_of(hidden), 8.5 if hidden % 256 else GGUF_TYPES["Q6_K"].bits)

    @property
    def reads_text(self) -> bool:
        """Whether inputs are measured on the calibration windows, for the importance of each."""
        return self.bits < _FINE_BITS


class CompressedTensorsExport(StrictModel):
    """A checkpoint in the format compressed-tensors, which vLLM and transformers load."""

    format: Literal["compressed-tensors"] = Field(description="The format.")
    scheme: Scheme = Field(
        description="`fp8`: weights in E4M3 with a scale per row, activations rounded as they come. `w4a16`: "
        "INT4 weights with a scale per group of a row."
    )
    group_size: Literal[64, 128] | None = Field(
        None,
        description="Of `w4a16`, 64 by default: weights that share a scale; it must divide every row. Not "
        "allowed with `fp8`, whose scales are those of whole rows.",
    )

    @model_validator(mode="after")
    def _has_groups_where_the_scheme_has(self) -> Self:
        if self.scheme == "fp8" and self.group_size is not None:
            raise ValueError(f"group_size is {self.group_size}, and fp8 has no groups; leave it out")
        return self

    @property
    def weights_per_group(self) -> int:
        """How many weights share a scale of `w4a16`."""
        return self.group_size or _GROUP_SIZE

    @property
    def name(self) -> str:
        """What names the export in reports, gates and on the command line."""
        return f"{self.format}:{self.scheme}"

    @property
    def bits(self) -> float:
        """Bits per weight of the linear layers in the blocks; the others keep 16."""
        return 8 if self.scheme == "fp8" else 4 + 16 / self.weights_per_group

    @property
    def reads_text(self) -> bool:
        """Whether inputs are measured on the calibration windows."""
        return self.scheme == "w4a16"


class MaskExport(StrictModel):
    """Which weights are zero: a patch that makes the result of the dense model, which it is not part of."""

    format: Literal["mask"] = Field(description="The format.")
    only: bool = Field(
        False,
        description="Keep the mask in place of the weight files, which `pruneserve apply` makes again.",
    )

    @property
    def name(self) -> str:
        """What names the export in reports, gates and on the command line."""
        return MASK_ONLY if self.only else MASK

    @property
    def reads_text(self) -> bool:
        """Whether inputs are measured on the calibration windows."""
        return False


EXPORT_NAMES = (
    MASK,
    MASK_ONLY,
    *(f"gguf:{name}" for name in GGUF_TYPES),
    *(f"compressed-tensors:{scheme}" for scheme in get_args(Scheme)),
)
"""What can be exported, by name."""


def export_fields(name: str) -> dict[str, Any]:
    """Return the fields of the export that a name such as `gguf:Q4_K_M` stands for, not yet validated."""
    format_name, _, kind = name.partition(":")
    if name in (MASK, MASK_ONLY):
        return {"format": MASK, "only": name == MASK_ONLY}
    if format_name != "gguf":
        return {"format": format_name, "scheme": kind}
    type_name, colon, importance = kind.partition(":")
    return {"format": format_name, "type": type_name, **({"importance": importance} if colon else {})}


def _from_name(value: Any) -> Any:  # noqa: ANN401 - not yet validated
    if not isinstance(value, str):
        return value
    if value not in (MASK, MASK_ONLY) and not value.startswith(("gguf:", "compressed-tensors:")):
        raise ValueError(
            "must be a name such as gguf:Q8_0, gguf:Q4_0:gradients, compressed-tensors:fp8 or mask"
        )
    return export_fields(value)


AnyExport = GgufExport | CompressedTensorsExport | MaskExport

Export = Annotated[
    AnyExport,
    Field(discriminator="format"),
    BeforeValidator(_from_name, json_schema_input_type=AnyExport | str),
]


def refuse_equal_exports(exports: tuple[Export, ...]) -> tuple[Export, ...]:
    """Return them. Raises ValueError if two have one name."""
    names = [export.name for export in exports]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"names {twice} twice; leave one out")
    return exports


Exports = Annotated[
    tuple[Export, ...], Field(max_length=16, strict=False), AfterValidator(refuse_equal_exports)
]


_EXPORTS: TypeAdapter[tuple[AnyExport, ...]] = TypeAdapter(Exports)


def parse_exports(names: Iterable[str]) -> tuple[AnyExport, ...]:
    """Return the exports of these names. Raises ValidationError for a name that there is none of."""
    return _EXPORTS.validate_python(tuple(names))


def has_mask(exports: Iterable[Export]) -> bool:
    """Whether one of them is a mask, which is made of the run's masks."""
    return any(isinstance(export, MaskExport) for export in exports)


def reads_text(exports: Iterable[Export]) -> bool:
    """Whether any of them measures inputs on the calibration windows."""
    return any(export.reads_text for export in exports)


def importances(exports: Iterable[Export]) -> frozenset[ImportanceKind]:
    """Return the kinds of importance that GGUF files among them are rounded by."""
    return frozenset(
        export.importance for export in exports if isinstance(export, GgufExport) and export.reads_text
    )
