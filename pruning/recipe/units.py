"""Unit kinds: what structured pruning can remove from every block. `UNIT_KINDS` describes each of them.

An entry holds what recipes, messages, estimates, checks of a config.json and pages show or compute without
torch, and says where its implementation is as `module:attribute`, which is imported when a model is cut.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

Config = Mapping[str, Any]
"""A model's config.json, whose values are not validated."""

EXPERT_COUNTS = ("num_local_experts", "num_experts", "n_routed_experts")
"""Fields of a config that hold the number of routed experts of each block."""

HEADS_DIVIDE_THE_HIDDEN_SIZE = frozenset({"llama", "gemma2", "gemma3_text"})
"""Types of models whose config in transformers refuses other numbers of attention heads."""

WITHOUT_EXPERTS = frozenset({"llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3_text"})
"""Types of models whose blocks never have experts."""


@dataclass(frozen=True)
class ReaderLayer:
    """A layer whose inputs are units, and the layers of the same module that write these, by their names."""

    name: str
    writers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class UnitKind:
    """What a kind of unit is called, and how it is counted without torch.

    Attributes
    ----------
    name
        The field of its amount in `StructureOptions`, and its name in reports.
    label, short_label
        What messages and the page's lists call the units.
    example
        An amount, for the help of `--structure`.
    form_hint
        The hint of its field in the submit form; None for no field.
    implementation
        `module:function` of a function that finds the units, see `pruning.structure.units.find_units`.
    estimated_as
        What estimates shrink: the width of attention, that of MLPs, or the number of a matrix's copies.
    part_of_share
        How a share of all parameters is divided: as many units as fit into it (`whole`), or what is left
        of it (`rest`). Of the kinds that a model has, the last `rest` in the registry is used.
    is_width
        Whether units are single features: any number can be kept, and shares are rounded to a multiple.
    is_ranked_by_gates
        Whether gates and second-order scores rank the units, and the weights that read them are repaired.
    count
        Returns how many units each block has, where a config says it of all blocks alike; otherwise None.
    reason_against
        `(kept, dense, config, is_share)` to why so many units cannot be kept, as far as a config shows it.
    always_refused
        Why a model with this config has no such units; None where the config does not show that.
    readers
        The layers that read the units, with those that write them.
    """

    name: str
    label: str
    short_label: str
    example: str
    implementation: str
    estimated_as: Literal["attention", "mlp", "copies"]
    count: Callable[[Config], int | None]
    form_hint: str | None = None
    part_of_share: Literal["whole", "rest"] | None = None
    is_width: bool = False
    is_ranked_by_gates: bool = True
    reason_against: Callable[[int, int, Config, bool], str | None] = lambda *_: None
    always_refused: Callable[[Config], str | None] = lambda _: None
    readers: tuple[ReaderLayer, ...] = ()


def count_of(value: object) -> int | None:
    """Return a value of a config if it is a number of things."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _mlp_width(config: Config) -> int | None:
    split = any("experts" in name for name in config)
    return None if split else count_of(config.get("intermediate_size"))


MLP_CHANNELS = UnitKind(
    name="mlp_channels",
    label="MLP channels",
    short_label="MLP",
    example="0.25",
    form_hint="How many to remove from each block: 25% or 512.",
    implementation="pruning.structure.mlp_channels:find_mlp_channels",
    estimated_as="mlp",
    part_of_share="rest",
    is_width=True,
    count=_mlp_width,
    readers=(
        ReaderLayer("down_proj", ("gate_proj", "up_proj")),
        ReaderLayer("down_proj", ("gate_up_proj",)),
        ReaderLayer("down_proj", ("up_proj",)),
        ReaderLayer("c_proj", ("c_fc",)),
        ReaderLayer("fc2", ("fc1",)),
        ReaderLayer("fc_out", ("fc_in",)),
        ReaderLayer("dense_4h_to_h", ("dense_h_to_4h",)),
    ),
)


def _expert_count(config: Config) -> int | None:
    counts = {found for name in EXPERT_COUNTS if (found := count_of(config.get(name))) is not None}
    return counts.pop() if len(counts) == 1 else None


def _never_experts(config: Config) -> str | None:
    if config.get("model_type") in WITHOUT_EXPERTS:
        return "its blocks have no experts of a kind that is known"
    return None


def _refused_experts(kept: int, dense: int, config: Config, is_share: bool) -> str | None:
    """Say why the router cannot work with what is left; a router with groups is left to the worker."""
    per_token = count_of(config.get("num_experts_per_tok"))
    if is_share or per_token is None or config.get("n_group") not in (None, 1) or kept >= per_token:
        return None
    hint = f"; the nearest number that it can keep is {per_token}" if per_token < dense else ""
    return f"of {dense}, {kept} would be left, and each token goes to {per_token}{hint}"


EXPERTS = UnitKind(
    name="experts",
    label="experts",
    short_label="experts",
    example="2",
    implementation="pruning.structure.experts:find_experts",
    estimated_as="copies",
    part_of_share="rest",
    is_ranked_by_gates=False,
    count=_expert_count,
    always_refused=_never_experts,
    reason_against=_refused_experts,
)


def _key_value_heads(config: Config) -> int | None:
    return count_of(config.get("num_key_value_heads"))


def _refused_heads(kept: int, kv_heads: int, config: Config, _is_share: bool) -> str | None:
    """Say why the heads that are left do not fit the hidden size, for families whose config insists on it.

    A share is not rounded to what fits.
    """
    if config.get("model_type") not in HEADS_DIVIDE_THE_HIDDEN_SIZE:
        return None
    heads, hidden = count_of(config.get("num_attention_heads")), count_of(config.get("hidden_size"))
    if heads is None or hidden is None or heads < kv_heads:
        return None
    together = heads // kv_heads
    most = min(kv_heads - 1, hidden // together)
    possible = [left for left in range(1, most + 1) if hidden % (left * together) == 0]
    if kept in possible:
        return None
    nearest = min(possible, key=lambda left: abs(left - kept), default=None)
    hint = "" if nearest is None else f"; the nearest number that it can keep is {nearest}"
    return (
        f"of {kv_heads}, {kept} would be left, and its config refuses {kept * together} heads for a hidden "
        f"size of {hidden}{hint}"
    )


_QUERIES_KEYS_VALUES = ("q_proj", "k_proj", "v_proj")
KV_HEADS = UnitKind(
    name="kv_heads",
    label="KV heads",
    short_label="KV",
    example="1",
    form_hint="How many to remove from each block: 50% or 1.",
    implementation="pruning.structure.kv_heads:find_kv_heads",
    estimated_as="attention",
    part_of_share="whole",
    count=_key_value_heads,
    reason_against=_refused_heads,
    readers=(
        ReaderLayer("o_proj", _QUERIES_KEYS_VALUES),
        ReaderLayer("out_proj", _QUERIES_KEYS_VALUES),
        ReaderLayer("dense", _QUERIES_KEYS_VALUES),
        ReaderLayer("o_proj", ("qkv_proj",)),
    ),
)

UNIT_KINDS: Mapping[str, UnitKind] = {kind.name: kind for kind in (MLP_CHANNELS, EXPERTS, KV_HEADS)}
"""Every kind by its name, in the order of messages and fields. A block loses units of the last kind first."""

if TYPE_CHECKING:
    UnitName = str
else:
    UnitName = Literal[tuple(UNIT_KINDS)]
    """The name of a kind."""
