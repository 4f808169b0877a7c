"""Cuts and selections of layers that a model's config.json alone shows to be impossible.

A worker refuses them in the same words.

Only what is certain to fail is named: a config that says less, or of another family, says nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor
from typing import Any, Self

from pruning.recipe import UNIT_KINDS, UNIT_LABELS, Recipe, StructureOptions, UnitKind

HEADS_DIVIDE_THE_HIDDEN_SIZE = frozenset({"llama", "gemma2", "gemma3_text"})
"""Types of models whose config in transformers refuses other numbers of attention heads."""

WITHOUT_EXPERTS = frozenset({"llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3_text"})
"""Types of models whose blocks never have experts."""

PLAIN = frozenset({"llama", "mistral"})
"""Types of models whose blocks have the weights that `_Plain` counts, where the config asks for no biases."""

_PLAIN_LAYERS = (
    *(f"self_attn.{name}_proj" for name in "qkvo"),
    *(f"mlp.{name}_proj" for name in ("gate", "up", "down")),
)
_MOST_BLOCKS = 1024  # as `_MOST_GROUPS`
_EXPERT_COUNTS = ("num_local_experts", "num_experts", "n_routed_experts")
# Beyond that, a config is no model's, and is not counted through.
_MOST_GROUPS = 1024


@dataclass(frozen=True, slots=True)
class Fault:
    """A field of the request with which the job is certain to fail, and why."""

    field: str
    message: str
    value: str | int | None = None
    """What the field says; None where the message says it."""


def structure_faults(structure: StructureOptions, config: dict[str, Any]) -> Iterator[Fault]:
    """Yield the blocks and units of which there are not as many, as far as the config says it."""
    if (blocks := count(config.get("num_hidden_layers"))) is not None:
        try:
            structure.blocks_left(blocks)
        except ValueError as error:
            yield Fault("structure.blocks", str(error))
    for kind in UNIT_KINDS:
        if structure.amount(kind) is not None and (reason := _refused_units(structure, kind, config)):
            yield Fault(f"structure.{kind}", reason)
    share, plain = structure.parameters, _Plain.of(config)
    if share is not None and plain and (reason := plain.refused(structure, share, config)):
        yield Fault("structure.parameters", reason)


def selection_faults(recipe: Recipe, config: dict[str, Any]) -> Iterator[Fault]:
    """Yield the patterns of `layers` that match no layer, for families whose layers' names are known."""
    blocks = count(config.get("num_hidden_layers"))
    # Where whole blocks go, the names are those of the smaller model.
    shorter = recipe.structure is not None and recipe.structure.blocks is not None
    if config.get("model_type") not in PLAIN or blocks is None or blocks > _MOST_BLOCKS or shorter:
        return
    names = [f"model.layers.{block}.{layer}" for block in range(blocks) for layer in _PLAIN_LAYERS]
    for field, glob in recipe.layers.unmatched(names):
        yield Fault(
            f"layers.{field}",
            f"pattern {glob!r} matches no layer of the model, whose layers have names such as {names[0]} and "
            f"{names[-1]}",
        )


def count(value: object) -> int | None:
    """Return a value of a config if it is a number of things."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _refused_units(structure: StructureOptions, kind: UnitKind, config: dict[str, Any]) -> str | None:
    if kind == "experts" and config.get("model_type") in WITHOUT_EXPERTS:
        return "its blocks have no experts of a kind that is known"
    dense = _units(kind, config)
    if dense is None:
        return None
    try:
        _, kept = structure.left(kind, dense)
    except ValueError as error:
        return str(error)
    if kind == "kv_groups":
        return _refused_heads(kept, dense, config)
    share = (structure.amount(kind) or 0) < 1
    return None if kind != "experts" or share else _refused_experts(kept, dense, config)


def _units(kind: UnitKind, config: dict[str, Any]) -> int | None:
    """Return how many units of a kind each block has, where the config says it of all blocks alike."""
    if kind == "experts":
        counts = {found for name in _EXPERT_COUNTS if (found := count(config.get(name))) is not None}
        return counts.pop() if len(counts) == 1 else None
    if kind == "mlp_channels":
        split = any("experts" in name for name in config)
        return None if split else count(config.get("intermediate_size"))
    return count(config.get("num_key_value_heads"))


def _refused_heads(kept: int, groups: int, config: dict[str, Any]) -> str | None:
    """Say why the heads that are left do not fit the hidden size, for families whose config insists on it."""
    if config.get("model_type") not in HEADS_DIVIDE_THE_HIDDEN_SIZE:
        return None
    heads, hidden = count(config.get("num_attention_heads")), count(config.get("hidden_size"))
    if heads is None or hidden is None or heads < groups:
        return None
    together = heads // groups
    most = min(groups - 1, hidden // together)
    possible = [left for left in range(1, most + 1) if hidden % (left * together) == 0]
    if kept in possible:
        return None
    nearest = min(possible, key=lambda left: abs(left - kept), default=None)
    hint = "" if nearest is None else f"; the nearest number that it can keep is {nearest}"
    return (
        f"of {groups}, {kept} would be left, and its config refuses {kept * together} heads for a hidden "
        f"size of {hidden}{hint}"
    )


def _refused_experts(kept: int, dense: int, config: dict[str, Any]) -> str | None:
    """Say why the router cannot work with what is left; a router with groups is left to the worker."""
    per_token = count(config.get("num_experts_per_tok"))
    if per_token is None or config.get("n_group") not in (None, 1) or kept >= per_token:
        return None
    hint = f"; the nearest number that it can keep is {per_token}" if per_token < dense else ""
    return f"of {dense}, {kept} would be left, and each token goes to {per_token}{hint}"


@dataclass(frozen=True, slots=True)
class _Plain:
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
        hidden, width, heads, groups = (count(config.get(name)) for name in names)
        biased = config.get("attention_bias") or config.get("mlp_bias")
        if config.get("model_type") not in PLAIN or biased or not (hidden and width and heads and groups):
            return None
        of_a_head = count(config.get("head_dim")) or hidden // heads
        if heads % groups or groups > _MOST_GROUPS or not of_a_head:
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
        possible = range(floor(share * self.groups), 0, -1)
        gone = next(
            (gone for gone in possible if not _refused_heads(self.groups - gone, self.groups, config)), 0
        )
        in_groups = gone * self.of_a_group
        left = round(self.width - (share * self.of_the_block - in_groups) / self.of_a_channel)
        channels = UNIT_LABELS["mlp_channels"]
        if left < 1:
            most = floor(100 * (in_groups + (self.width - 1) * self.of_a_channel) / self.of_the_block) / 100
            return (
                f"{share:g} of the parameters is more than the {channels} and such a share of "
                f"the KV groups have; give a share of at most {most:.2f}"
            )
        if gone or min(self.width, structure.rounded(left, self.width)) < self.width:
            return None
        multiple = structure.multiple_of
        rounded = f", and the multiple of {multiple} next to it is all of them" if multiple else ""
        return (
            f"{share:g} of the parameters takes nothing out: {left} of {self.width} {channels} would be "
            f"left{rounded}; give a larger share{' or a smaller multiple_of' if multiple else ''}"
        )
