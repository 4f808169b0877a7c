# ruff: noqa: RUF001 - its texts have letters of several scripts
"""Inside a helper: a checkpoint becomes a GGUF file, by llama.cpp's own converter.

A file names the rules by which a byte-level tokenizer splits a text before it merges. The converter finds
them by a hash of some token ids: it refuses a tokenizer that is new to it, and takes one that differs
elsewhere for another. So the ids of llama.cpp and of transformers are compared on many texts, and rules that
fit are looked for among all that llama.cpp has.
"""

import functools
import importlib
import inspect
import json
import random
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pruning.exports.limits import cannot, context_length, mlp_width, suited
from pruning.exports.llama import LlamaFailed, Model
from pruning.exports.sparse_files import write_gguf, write_safetensors
from pruning.exports.types import INPUTS, OUTPUT, ShareStep

_VOCABULARY = "vocabulary.gguf"
_FILE_TYPES = {"F32": "ALL_F32", "F16": "MOSTLY_F16", "BF16": "MOSTLY_BF16"}
_COMMON_RULES = ("gpt-2", "llama-bpe", "qwen2", "smollm", "tekken")
"""Tried first, so that a tokenizer gets no exotic name for plain rules."""
_BYTE, _SPACE, _LOWEST_SCORE = re.compile("<0x[0-9A-F]{2}>"), "▁", -1e9
_SHOWN_IDS, _SHOWN_CHARACTERS = 6, 100
_EXPONENT, _PIECE = 0x7C00, 2**24  # of float16: all ones for infinities and NaN; elements looked at together


# Prose in several scripts, code, symbols, and what comes between words.
_PROSE = (
    "All human beings are born free and equal in dignity and rights; they're endowed with reason.",
    "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα.",
    "Все люди рождаются свободными и равными в своём достоинстве и правах.",
    "يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق.",
    "सभी मनुष्य जन्म से स्वतन्त्र और गौरव तथा अधिकारों में समान हैं।",
    "人人生而自由，在尊严和权利上一律平等。すべての人間は、生まれながらにして自由である。",
    "Tous les êtres humains naissent libres; l'égalité, voilà: œuvre déjà reçue à Noël, ça ira!",
    "def f(x_1, *rest):\n    return {'a': x_1[0] ** 2, \"b\": [3.14e-10, 0xFF]}  # TODO\n",
    "🙂🚀 👩‍👩‍👧 ½ ² № ﬁ Å \u00a0 \u200b x̄ … — “q” ‘s’ €100,000.00 12345678 2026-11-30T04:40",
)
_BETWEEN = (
    "",
    " ",
    "  ",
    "   ",
    "\n",
    "\n\n",
    " \n",
    "\t",
    "\r\n",
    "'s ",
    "'LL ",
    "-",
    "007",
    "...",
    "/",
    "_",
)
_TEXTS, _PIECES, _MAX_PIECE = 200, 6, 30


def check(directory: Path, about: Mapping[str, Any], step: ShareStep) -> dict[str, Any]:
    """Refuse the checkpoint in the inputs if its config, its tokenizer or its shapes cannot be converted.

    It has no weights: `about["shapes"]` names an input with the shape of each tensor. Without one, shapes are
    not compared. Return what a `ConversionAnswer` has.
    """
    target, dtype = directory / OUTPUT, str(about["type"])
    if (shapes := about["shapes"]) is not None:
        weights = directory / INPUTS / "model.safetensors"
        write_safetensors(json.loads((directory / INPUTS / shapes).read_text()), weights)
    prepared = _prepare(directory, about)
    if shapes is not None:
        write_gguf(prepared.writer(target, dtype))
        Model(target, without_weights=True).close()
    return prepared.answer(dtype)


def convert(directory: Path, about: Mapping[str, Any], step: ShareStep) -> dict[str, Any]:
    """Write the checkpoint in the inputs as `OUTPUT` of the type `about["type"]`. Return as `check`.

    It becomes BF16 in place of F16 where that cannot hold every weight.
    """
    prepared, dtype, target = _prepare(directory, about), str(about["type"]), directory / OUTPUT
    prepared.writer(target, dtype).write()
    if dtype != "F16" or (overflow := _beyond_float16(target)) is None:
        return prepared.answer(dtype)
    target.unlink()
    prepared.writer(target, "BF16").write()
    return prepared.answer("BF16", overflow)


def _beyond_float16(file: Path) -> str | None:
    """Return the name of a tensor in float16 with an infinity or NaN; None if there is none."""
    for tensor in importlib.import_module("gguf").GGUFReader(file).tensors:
        if tensor.data.dtype == np.float16:
            bits = tensor.data.reshape(-1).view(np.uint16)
            pieces = (bits[start : start + _PIECE] for start in range(0, len(bits), _PIECE))
            if any(((piece & _EXPONENT) == _EXPONENT).any() for piece in pieces):
                return str(tensor.name)
    return None


@dataclass(frozen=True)
class _Prepared:
    writer: "_Writer"
    rules: str | None
    context_length: int

    def answer(self, dtype: str, overflow: str | None = None) -> dict[str, Any]:
        about = {"rules": self.rules, "context_length": self.context_length}
        return {**about, "dtype": dtype, "overflow": overflow}


def _prepare(directory: Path, about: Mapping[str, Any]) -> _Prepared:
    transformers = importlib.import_module("transformers")
    model = directory / INPUTS
    # From here on, its settings name no other file.
    tokenizer = importlib.import_module("pruning.checkpoint.tokenizer").load_tokenizer(model)
    for loader in (transformers.AutoTokenizer, transformers.AutoConfig):
        # The converter trusts the code of some repositories; nothing here does.
        loader.from_pretrained = functools.partial(_without_code, loader.from_pretrained)
    settings = suited(importlib.import_module("conversion").ModelBase.load_hparams(model, False))
    adds_bos = tokenizer("a")["input_ids"][:1] == [tokenizer.bos_token_id]
    first, *_ = tokenizer.convert_ids_to_tokens(_ids(tokenizer, "a"))
    adds_space = str(first).startswith(_SPACE)
    writer = _writer(model, settings, str(about["name"]), adds_bos=adds_bos, adds_space=adds_space)
    rules = _find_rules(tokenizer, writer, directory / _VOCABULARY)
    for add_special in (False, True):
        if difference := _difference(
            tokenizer, directory / _VOCABULARY, add_special=add_special, rules=rules
        ):
            raise cannot(difference)
    return _Prepared(writer, rules, context_length(settings))


def _without_code(load: Callable[..., Any], *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - of transformers
    return load(*arguments, **{**options, "trust_remote_code": False, "local_files_only": True})


_Writer = Callable[[Path, str], Any]
"""Makes a writer of the converter for a path and a type."""


def _writer(
    model: Path, settings: Mapping[str, Any], name: str, *, adds_bos: bool, adds_space: bool
) -> _Writer:
    """Return what makes writers for a checkpoint. Raises InvalidInput for an unknown family.

    `adds_bos`, `adds_space`: whether the tokenizer puts a token or a space before each text. The converter
    guesses the first from settings.
    """
    conversion, gguf = (importlib.import_module(name) for name in ("conversion", "gguf"))
    architecture = conversion.get_model_architecture(settings, conversion.ModelType.TEXT)
    try:
        kind = conversion.get_model_class(architecture)
    except (NotImplementedError, AttributeError, ImportError) as error:  # its package lacks parts of some
        raise cannot(f"llama.cpp's converter does not know the architecture {architecture}") from error
    # Leave out blocks that predict further tokens, which nothing cuts or measures, where the class of the
    # family can. Qwen's fails without weights, for want of them.
    kind.no_mtp = True

    def writer(file: Path, dtype: str) -> Any:  # noqa: ANN401 - of the converter
        file_type = gguf.LlamaFileType[_FILE_TYPES[dtype]]
        made = kind(model, file_type, file, model_name=name, hparams=dict(settings))
        pieces = _sentencepiece(model)
        set_vocabulary = functools.partial(_set_pieces, made, pieces) if pieces else made.set_vocab

        def set_vocabulary_and_start() -> None:
            set_vocabulary()
            if pieces:
                made.gguf_writer.add_add_space_prefix(adds_space)
            made.gguf_writer.add_add_bos_token(adds_bos)

        made.set_vocab = set_vocabulary_and_start
        set_parameters, width = made.set_gguf_parameters, mlp_width(settings)

        def set_parameters_and_width() -> None:
            set_parameters()
            if width is not None:
                made.gguf_writer.add_feed_forward_length(width)

        made.set_gguf_parameters = set_parameters_and_width
        return made

    return writer


def _sentencepiece(model: Path) -> dict[str, Any] | None:
    """Return the content of a tokenizer.json that was made from a model of SentencePiece which is not there.

    The converter takes such a tokenizer for a byte-level one, or gives all its pieces the same score.
    """
    if (model / "tokenizer.model").is_file() or not (model / "tokenizer.json").is_file():
        return None
    content: dict[str, Any] = json.loads((model / "tokenizer.json").read_text())
    return content if content["model"].get("byte_fallback") and "merges" in content["model"] else None


def _set_pieces(made: Any, content: Mapping[str, Any]) -> None:  # noqa: ANN401 - of the converter
    """Write the pieces with scores that make llama.cpp merge them in the order of the tokenizer's merges."""
    gguf = importlib.import_module("gguf")
    vocabulary, kinds = content["model"]["vocab"], gguf.TokenType
    size = made.hparams["vocab_size"]
    tokens = [f"[PAD{number}]" for number in range(size)]
    types = [kinds.UNUSED] * size
    for piece, number in vocabulary.items():
        tokens[number] = piece
        types[number] = kinds.BYTE if _BYTE.fullmatch(piece) else kinds.NORMAL
    for added in content["added_tokens"]:
        tokens[added["id"]] = added["content"]
        types[added["id"]] = kinds.CONTROL if added["special"] else kinds.USER_DEFINED
    if (unknown := content["model"].get("unk_token")) is not None:
        types[vocabulary[unknown]] = kinds.UNKNOWN
    scores = [_LOWEST_SCORE] * size
    for rank, merge in enumerate(content["model"]["merges"]):
        number = vocabulary["".join(merge if isinstance(merge, list) else merge.split(" "))]
        scores[number] = max(scores[number], -float(rank))
    writer = made.gguf_writer
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    gguf.SpecialVocab(made.dir_model, n_vocab=size).add_to_gguf(writer)


def _find_rules(
    tokenizer: Any,  # noqa: ANN401 - of transformers
    writer: _Writer,
    vocabulary: Path,
) -> str | None:
    """Let the converter name the rules by which this tokenizer splits a text, and return the name.

    It is the name that the converter finds by its hash, unless the ids of some text differ: then the first
    one without a difference. None: the kind of tokenizer needs no name. Raises InvalidInput if none fits.
    """
    base = importlib.import_module("conversion").TextModel
    by_hash = base.get_vocab_base_pre
    all_rules = rules_of(inspect.getsource(by_hash))
    known = dict.fromkeys([*(name for name in _COMMON_RULES if name in all_rules), *all_rules])
    names: list[str]
    try:
        names = list(dict.fromkeys([by_hash(None, tokenizer), *known]))
    except NotImplementedError:
        names = list(known)
    asked: list[bool] = []

    def first_name(*_: object) -> str:
        asked.append(True)
        return names[0]

    base.get_vocab_base_pre = first_name
    writer(vocabulary, "F16").write_vocab()
    if not asked:
        return None
    differences = {}
    for name in names:
        differences[name] = _difference(tokenizer, vocabulary, add_special=False, rules=name)
        if differences[name] is None:
            base.get_vocab_base_pre = functools.partial(_constant, name)
            return name
    raise cannot(f"with the rules {names[0]!r}, {differences[names[0]]}, and so with all others that it has")


def rules_of(source: str) -> list[str]:
    """Return the names of all rules in the source of the converter's `get_vocab_base_pre`: it has no list."""
    return re.findall(r'res = "([^"]+)"', source)


def _constant(value: str, *_: object) -> str:
    return value


def _difference(
    tokenizer: Any,  # noqa: ANN401 - of transformers
    file: Path,
    *,
    add_special: bool,
    rules: str | None = None,
) -> str | None:
    """Return the first difference between the token ids of llama.cpp and transformers.

    `rules`: by which a text is split, in place of those that the file names.
    """
    try:
        model = Model(file, vocabulary_only=True, pre_tokenizer=rules)
    except LlamaFailed as error:
        return str(error)
    # llama.cpp, as SentencePiece, puts a space before every text; the classes of Llama 2 and Mistral in
    # transformers put none before a text that begins with one.
    spares_a_space = _ids(tokenizer, " a") == _ids(tokenizer, "a")
    with closing(model):
        for text in _varied_texts():
            theirs = model.tokenize(text, add_special=add_special)
            as_ours = f" {text}" if spares_a_space and text.startswith(" ") else text
            ours = _ids(tokenizer, as_ours, add_special=add_special)
            if theirs != ours:
                return _described(text, theirs, ours)
    return None


def _ids(tokenizer: Any, text: str, *, add_special: bool = False) -> list[int]:  # noqa: ANN401 - of transformers
    ids: list[int] = tokenizer(text, add_special_tokens=add_special, verbose=False)["input_ids"]
    return ids


def _described(text: str, theirs: list[int], ours: list[int]) -> str:
    start = next(
        (place for place, pair in enumerate(zip(theirs, ours, strict=False)) if pair[0] != pair[1]),
        min(len(theirs), len(ours)),
    )
    cut = slice(start, start + _SHOWN_IDS)
    return (
        f"llama.cpp reads {text[:_SHOWN_CHARACTERS]!r} as other tokens than transformers "
        f"(from the number {start} on, {theirs[cut]} for {ours[cut]})"
    )


def _varied_texts() -> Iterator[str]:
    """Yield the same texts every time: each line of prose, then mixtures of pieces of all."""
    yield from _PROSE
    generator = random.Random(0)  # noqa: S311 - not for secrets
    for _ in range(_TEXTS):
        yield "".join(_piece(generator) for _ in range(_PIECES))


def _piece(generator: random.Random) -> str:
    line = generator.choice(_PROSE)
    start = generator.randrange(len(line))
    return generator.choice(_BETWEEN) + line[start : start + generator.randint(1, _MAX_PIECE)]
