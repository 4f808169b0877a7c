"""Model shapes from a config.json, and the largest numbers that it may hold.

A config does not say which layers its model class builds, so the families are listed here. Only estimates
depend on this list: what can be pruned is found by inspecting the model itself, on the worker.

Some numbers count what is built one by one (layers, experts, labels): a few bytes of text would take minutes
and gigabytes. The others are widths and ids. A bound is by name, so that it holds before any class reads the
config; estimates and workers refuse the same configs.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pruning.estimate.shape import BYTES, BlockShape, Matrix, ModelShape

_COUNT = 10_000
_HEADS = 65_536  # and experts
_WIDTH = 100_000_000
_IMAGE = 8_192  # pixels of a side: towers make tables of its square
_ANY = 2**53  # what every JSON parser reads exactly

_WIDTHS = re.compile(
    r"vocab|_(size|dim|rank|embeddings|positions|length|window|inner|ctx)$|^n_(positions|ctx|embd|inner)$"
)
_IMAGES = re.compile(r"(^|_)image_size$|^(height|width)$")
_HEAD_COUNTS = re.compile(r"(^|_)heads?(_kv)?$|(^|_)experts$")
_COUNTS = re.compile(
    r"^num_|(^|_)(layers?|blocks?|depth|labels|groups|repeats?)(_|$)|^n_(layers?|groups?|shared|routed)"
    r"|_per_tok$|_(step|interval|freq|period)$"
)
_MAX_DEPTH = 16

QUANTISED = ("quantization_config", "compression_config")
"""Entries of a config that say how the weights are rounded."""


def max_value(name: str) -> int:
    """Return the largest value that the number `name` of a config may have."""
    for names, bound in ((_IMAGES, _IMAGE), (_WIDTHS, _WIDTH), (_HEAD_COUNTS, _HEADS), (_COUNTS, _COUNT)):
        if names.search(name):
            return bound
    return _ANY


def out_of_bounds_value(values: dict[str, Any]) -> str | None:
    """Return what is wrong with the first number of a parsed config that is out of bounds, or None."""
    return next(_out_of_bounds(values, "", 0), None)


def _out_of_bounds(value: object, name: str, depth: int) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        yield f"it is nested deeper than {_MAX_DEPTH} levels"
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _out_of_bounds(item, str(key), depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _out_of_bounds(item, name, depth + 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        bound = max_value(name)
        if not abs(value) <= bound and (isinstance(value, int) or bound < _ANY):
            yield f"its {name[:60]} is not a number up to {bound}"


Matrices = tuple[Matrix, ...]


class UnknownShape(Exception):
    """The model's shape cannot be derived from the config. The message says what is missing."""


class Config:
    """The values of a parsed config.json. Each is checked when it is read, since the file is not trusted."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def number(self, *names: str, default: int | None = None) -> int:
        """Return the first of `names` that is set, from 1 to `max_value` of its name. Raises UnknownShape."""
        for name in names:
            value = self._values.get(name)
            if value is None:
                continue
            if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= max_value(name):
                raise UnknownShape(
                    f"config.json has a {name} that is not a number from 1 to {max_value(name)}"
                )
            return value
        if default is None:
            raise UnknownShape(f"config.json does not give {names[0]}")
        return default

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a flag, or `default` if it is not set."""
        value = self._values.get(name)
        return default if value is None else bool(value)

    def numbers(self, name: str) -> frozenset[int]:
        """Return the integers of a list; none if it is not a list."""
        value = self._values.get(name)
        return frozenset(n for n in value if isinstance(n, int)) if isinstance(value, list) else frozenset()

    def text(self, *names: str) -> str:
        """Return the first of `names` that is set, or an empty string."""
        return next((value for name in names if isinstance(value := self._values.get(name), str)), "")

    @property
    def hidden(self) -> int:
        """The width of the hidden states."""
        return self.number("hidden_size", "n_embd")

    @property
    def heads(self) -> int:
        """The number of attention heads."""
        return self.number("num_attention_heads", "n_head")

    @property
    def head_size(self) -> int:
        """The width of each head's query."""
        return self.number("head_dim", default=max(1, self.hidden // self.heads))

    @property
    def intermediate(self) -> int:
        """The width of an MLP's hidden layer."""
        return self.number("intermediate_size", "ffn_dim", "n_inner", default=4 * self.hidden)


def _separate_attention(config: Config, *, key_value_heads: int | None = None) -> Matrices:
    """Query, key, value and output as separate layers."""
    heads = config.heads
    grouped = key_value_heads or config.number("num_key_value_heads", default=heads)
    queries, keys = heads * config.head_size, grouped * config.head_size
    return (
        Matrix(queries, config.hidden, "attention"),
        Matrix(keys, config.hidden, "attention"),
        Matrix(keys, config.hidden, "attention"),
        Matrix(config.hidden, queries, "values"),
    )


def _fused_attention(config: Config) -> Matrices:
    """Query, key and value in one layer, and the output."""
    query, key, value, output = _separate_attention(config)
    return (Matrix(query.outputs + key.outputs + value.outputs, config.hidden, "attention"), output)


def _falcon_attention(config: Config) -> Matrices:
    if config.flag("new_decoder_architecture", default=False):
        kv_heads = config.number("num_kv_heads", default=config.heads)
    else:
        kv_heads = 1 if config.flag("multi_query", default=True) else config.heads
    query, key, value, output = _separate_attention(config, key_value_heads=kv_heads)
    return (Matrix(query.outputs + key.outputs + value.outputs, config.hidden, "attention"), output)


def _ungated(config: Config, width: int | None = None, given: str = "mlp") -> Matrices:
    """Up and down projections."""
    width = width or config.intermediate
    return (Matrix(width, config.hidden, given), Matrix(config.hidden, width, f"{given} activations"))


def _gated(config: Config, width: int | None = None, given: str = "mlp") -> Matrices:
    """Gate, up and down projections."""
    up, down = _ungated(config, width or config.number("intermediate_size"), given)
    return (up, up, down)


def _gate_and_up_fused(config: Config) -> Matrices:
    up, down = _ungated(config, config.number("intermediate_size"))
    return (Matrix(2 * up.outputs, up.inputs, up.given), down)


def _experts(config: Config, width: int) -> Matrices:
    """Gate, up and down projections of every expert."""
    count = config.number("num_experts", "num_local_experts")
    share = min(1.0, config.number("num_experts_per_tok") / count)
    return tuple(
        Matrix(matrix.outputs, matrix.inputs, matrix.given, copies=count, share=share)
        for matrix in _gated(config, width, "experts")
    )


def _uniform(
    attention: Callable[[Config], Matrices], mlp: Callable[[Config], Matrices]
) -> Callable[[Config], Iterator[Matrices]]:
    """Blocks that all have the same matrices."""

    def blocks(config: Config) -> Iterator[Matrices]:
        matrices = attention(config) + mlp(config)
        for _ in range(_depth(config)):
            yield matrices

    return blocks


def _qwen_moe(config: Config) -> Iterator[Matrices]:
    """Experts in every n-th block, with a shared expert if the config has one; dense MLPs in the others."""
    dense, step = config.numbers("mlp_only_layers"), config.number("decoder_sparse_step", default=1)
    shared = config.number("shared_expert_intermediate_size", default=0)
    routed = _experts(config, config.number("moe_intermediate_size"))
    with_experts = _separate_attention(config) + routed + (_gated(config, shared, "shared") if shared else ())
    for index in range(_depth(config)):
        sparse = index not in dense and (index + 1) % step == 0
        yield with_experts if sparse else _separate_attention(config) + _gated(config)


def _llama4(config: Config) -> Iterator[Matrices]:
    """Experts and a shared one in every n-th block; dense MLPs of another width in the others."""
    listed, step = config.numbers("moe_layers"), config.number("interleave_moe_layer_step", default=1)
    with_experts = _separate_attention(config) + _mixture(config) + _gated(config, given="shared")
    dense = _separate_attention(config) + _gated(config, config.number("intermediate_size_mlp"))
    for index in range(_depth(config)):
        sparse = index in listed if listed else (index + 1) % step == 0
        yield with_experts if sparse else dense


def _depth(config: Config) -> int:
    return config.number("num_hidden_layers", "n_layer")


def _mixture(config: Config) -> Matrices:
    return _experts(config, config.number("intermediate_size"))


_LLAMA = _uniform(_separate_attention, _gated)
_GPT = _uniform(_fused_attention, _ungated)
_FAMILIES: dict[str, Callable[[Config], Iterator[Matrices]]] = {
    **dict.fromkeys(
        (
            *("llama", "mistral", "ministral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3_text", "olmo"),
            *("olmo2", "olmo3", "stablelm", "cohere", "cohere2", "smollm3", "granite", "helium"),
        ),
        _LLAMA,
    ),
    "phi3": _uniform(_fused_attention, _gate_and_up_fused),
    **dict.fromkeys(("gptj", "opt", "phi", "starcoder2"), _uniform(_separate_attention, _ungated)),
    **dict.fromkeys(("gpt2", "gpt_neox", "bloom"), _GPT),
    "falcon": _uniform(_falcon_attention, _ungated),
    **dict.fromkeys(("mixtral", "gpt_oss"), _uniform(_separate_attention, _mixture)),
    **dict.fromkeys(("qwen2_moe", "qwen3_moe"), _qwen_moe),
    "llama4_text": _llama4,
}
# Families with tied embeddings unless the config says otherwise.
_TIED = frozenset(
    {"gemma", "gemma2", "gemma3_text", "cohere", "cohere2", "gpt2", "opt", "bloom", "falcon", "starcoder2"}
)
_EXPLICIT_HEAD_SIZE = frozenset(
    {
        *("llama", "mistral", "ministral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3_text", "olmo"),
        *("smollm3", "granite", "helium", "phi3", "mixtral", "qwen2_moe", "qwen3_moe", "llama4_text"),
    }
)
_LEARNED_POSITIONS = {"gpt2": 0, "opt": 2}  # rows in addition to the number of positions


def _key_value_heads(config: Config, family: str) -> int | None:
    """Return the key-value heads of each block, for families whose config gives the head size."""
    if family not in _EXPLICIT_HEAD_SIZE:
        return None
    return config.number("num_key_value_heads", default=config.heads)


def shape_of_config(values: Mapping[str, Any]) -> ModelShape:
    """Derive the shape of the model that a config.json describes. Raises UnknownShape."""
    config = Config(values)
    family = config.text("model_type")
    if family not in _FAMILIES:
        raise UnknownShape("the shape of this architecture is known only once a worker has loaded the model")
    if family == "opt" and config.number("word_embed_proj_dim", default=config.hidden) != config.hidden:
        raise UnknownShape(
            "the shape of an OPT whose embeddings are narrower than its blocks is known only once a worker "
            "has loaded it"
        )
    vocabulary = config.number("vocab_size")
    tables = 1 if config.flag("tie_word_embeddings", default=family in _TIED) else 2
    positions = 0
    if family in _LEARNED_POSITIONS:
        positions = config.number("max_position_embeddings", "n_positions") + _LEARNED_POSITIONS[family]
    is_quantised = any(map(values.get, QUANTISED))
    # Whatever its config says, a quantised model is dequantised to bfloat16.
    stored = "bfloat16" if is_quantised else config.text("dtype", "torch_dtype") or "float32"
    if stored not in BYTES:
        raise UnknownShape("config.json has a dtype that is not one of " + ", ".join(BYTES))
    attention = config.heads * config.head_size
    return ModelShape(
        model_type=family,
        hidden=config.hidden,
        vocabulary=vocabulary,
        context=config.number("max_position_embeddings", "n_positions", default=0) or None,
        blocks=tuple(BlockShape(matrices, attention) for matrices in _FAMILIES[family](config)),
        embeddings=(tables * vocabulary + positions) * config.hidden,
        stored_dtype=stored,
        is_quantised=is_quantised,
        key_value_heads=_key_value_heads(config, family),
    )
