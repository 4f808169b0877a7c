"""Requests that are certain to fail, by the request and the model's config.json alone.

These are cuts and selections of layers that the model does not have, routers to train that it does not have,
and training on a text that is too short. A worker refuses them in the same words. A config that says less, or
of another family, proves nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor
from typing import Any, Self

from pruning.recipe import UNIT_KINDS, Recipe, StructureOptions, UnitKind
from pruning.recipe.datasets import DEFAULT_SEQUENCE_LENGTH
from pruning.recipe.recovery import HELD_OUT_WINDOWS
from pruning.recipe.units import KV_GROUPS, MLP_CHANNELS, count_of

PLAIN_DECODERS = frozenset({"llama", "mistral"})
"""Types of models whose blocks have the weights that `_PlainDecoder` counts, without biases."""

_PLAIN_DECODER_LAYERS = (
    *(f"self_attn.{name}_proj" for name in "qkvo"),
    *(f"mlp.{name}_proj" for name in ("gate", "up", "down")),
)
_MAX_BLOCKS = 1024  # as `_MAX_GROUPS`
# Beyond that, a config is not a model's, and is not counted through.
_MAX_GROUPS = 1024

BUILTIN_TOKENS = 40_000
"""What a request may count on: the built-in text has over 200,000 characters, at most five to a token."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A field of the request with which the job is certain to fail, and why."""

    field: str
    message: str
    value: str | int | None = None
    """What the field says; None where the message says it."""


def structure_faults(structure: StructureOptions, config: dict[str, Any]) -> Iterator[Fault]:
    """Yield the blocks and units of which there are not as many, as far as the config says it."""
    if (blocks := count_of(config.get("num_hidden_layers"))) is not None:
        try:
            structure.blocks_left(blocks)
        except ValueError as error:
            yield Fault("structure.blocks", str(error))
    for name, kind in UNIT_KINDS.items():
        if structure.amount(name) is not None and (reason := _refused_units(structure, kind, config)):
            yield Fault(f"structure.{name}", reason)
    share, plain = structure.parameters, _PlainDecoder.of(config)
    if share is not None and plain and (reason := plain.refused(structure, share, config)):
        yield Fault("structure.parameters", reason)


def selection_faults(recipe: Recipe, config: dict[str, Any]) -> Iterator[Fault]:
    """Yield the patterns of `layers` that match no layer, for families whose layers' names are known."""
    blocks = count_of(config.get("num_hidden_layers"))
    # Where whole blocks go, the names are those of the smaller model.
    shorter = recipe.structure is not None and recipe.structure.blocks is not None
    if config.get("model_type") not in PLAIN_DECODERS or blocks is None or blocks > _MAX_BLOCKS or shorter:
        return
    names = [f"model.layers.{block}.{layer}" for block in range(blocks) for layer in _PLAIN_DECODER_LAYERS]
    for field, glob in recipe.layers.unmatched(names):
        yield Fault(
            f"layers.{field}",
            f"pattern {glob!r} matches no layer of the model, whose layers have names such as {names[0]} and "
            f"{names[-1]}",
        )


def _refused_units(structure: StructureOptions, kind: UnitKind, config: dict[str, Any]) -> str | None:
    if (reason := kind.always_refused(config)) is not None:
        return reason
    dense = kind.count(config)
    if dense is None:
        return None
    try:
        _, kept = structure.left(kind.name, dense)
    except ValueError as error:
        return str(error)
    return kind.reason_against(kept, dense, config, (structure.amount(kind.name) or 0) < 1)


@dataclass(frozen=True, slots=True)
class _PlainDecoder:
    """What a block of a plain decoder consists of."""

    width: int  # of the MLP
    groups: int
    of_a_channel: int  # parameters
    of_a_group: int
    of_the_block: int

    @classmethod
    def of(cls, config: dict[str, Any]) -> Self | None:
        """Count the parameters. None for another family, for one with biases, and where something is open."""
        names = ("hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads")
        hidden, width, heads, groups = (count_of(config.get(name)) for name in names)
        biased = config.get("attention_bias") or config.get("mlp_bias")
        if (
            config.get("model_type") not in PLAIN_DECODERS
            or biased
            or not (hidden and width and heads and groups)
        ):
            return None
        of_a_head = count_of(config.get("head_dim")) or hidden // heads
        if heads % groups or groups > _MAX_GROUPS or not of_a_head:
            return None
        of_a_channel = 3 * hidden
        of_a_group = 2 * hidden * of_a_head * (heads // groups + 1)
        norms = 2 * hidden
        return cls(
            width, groups, of_a_channel, of_a_group, width * of_a_channel + groups * of_a_group + norms
        )

    def refused(self, structure: StructureOptions, share: float, config: dict[str, Any]) -> str | None:
        """Say why a share of the parameters cannot go: more than there are units for, or nothing at all.

        As many whole KV groups go as the share allows, and the rest as MLP channels.
        """
        possible, refused = range(floor(share * self.groups), 0, -1), KV_GROUPS.reason_against
        gone = next(
            (gone for gone in possible if not refused(self.groups - gone, self.groups, config, True)), 0
        )
        in_groups = gone * self.of_a_group
        left = round(self.width - (share * self.of_the_block - in_groups) / self.of_a_channel)
        channels = MLP_CHANNELS.label
        if left < 1:
            most = floor(100 * (in_groups + (self.width - 1) * self.of_a_channel) / self.of_the_block) / 100
            return (
                f"{share:g} of the parameters is more than the {channels} and such a share of "
                f"the {KV_GROUPS.label} have; give a share of at most {most:.2f}"
            )
        if gone or min(self.width, structure.rounded(left, self.width)) < self.width:
            return None
        multiple = structure.multiple_of
        rounded = f", and the multiple of {multiple} next to it is all of them" if multiple else ""
        return (
            f"{share:g} of the parameters takes nothing out: {left} of {self.width} {channels} would be "
            f"left{rounded}; give a larger share{' or a smaller multiple_of' if multiple else ''}"
        )


def training_text_faults(recipe: Recipe) -> Iterator[Fault]:
    """Yield why the built-in text is too short to train on, with a number of tokens that works."""
    if recipe.distil is None:
        return
    calibrated_on = {share.dataset for share in recipe.calibration.shares}
    if ({recipe.distil.dataset} if recipe.distil.dataset else calibrated_on) != {"builtin"}:
        return
    # Left out, it may be less, for a model of a shorter context; such a request must name it.
    length = recipe.calibration.sequence_length or DEFAULT_SEQUENCE_LENGTH
    windows = BUILTIN_TOKENS // length - HELD_OUT_WINDOWS
    if windows < 1:
        yield Fault(
            "calibration.sequence_length",
            f"must be at most {BUILTIN_TOKENS // (HELD_OUT_WINDOWS + 1)} to train on the built-in text: it "
            f"has about {BUILTIN_TOKENS} tokens, of which {HELD_OUT_WINDOWS} windows are held out; or name "
            "another text in recovery.distil.dataset",
            length,
        )
    elif recipe.distil.tokens > windows * length:
        yield Fault(
            "recovery.distil.tokens",
            f"must be at most {windows * length}: the built-in text has about {BUILTIN_TOKENS} tokens, of "
            f"which {HELD_OUT_WINDOWS} windows of {length} are held out; ask for fewer, for a shorter "
            "calibration.sequence_length, or name another text in recovery.distil.dataset",
            recipe.distil.tokens,
        )
