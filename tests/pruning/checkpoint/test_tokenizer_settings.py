"""A tokenizer is made from the model's own files, whatever paths its settings name."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from pruning.checkpoint.checkpoint import resolve
from pruning.checkpoint.files import ModelFiles
from pruning.checkpoint.tokenizer import confine_tokenizer
from pruning.errors import InvalidInput
from pruning.recipe import ModelReference
from pruning.sandbox.sandbox import Sandbox

SETTINGS = "tokenizer_config.json"
SPECIAL_TOKENS = "special_tokens_map.json"
WORDS = "[UNK]\n[PAD]\n[CLS]\n[SEP]\n[MASK]\nhunter2\n"
MERGES = "#version: 0.2\na b\n"


@pytest.fixture
def model(tiny_llama_dir: Path, tmp_path: Path) -> Path:
    """A model without a tokenizer, below a root."""
    directory = shutil.copytree(tiny_llama_dir, tmp_path / "root" / "model")
    (directory / SETTINGS).unlink()
    return directory


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """What a tokenizer could be made of, outside of the roots."""
    directory = tmp_path / "outside"
    directory.mkdir()
    (directory / "words.txt").write_text(WORDS)
    (directory / "vocab.json").write_text(
        json.dumps({"a": 0, "b": 1, "ab": 2, "<|endoftext|>": 3, "hunter2": 4})
    )
    (directory / "merges.txt").write_text(MERGES)
    word_level(directory / "tokenizer.1.0.0.json", "hunter2")
    word_level(directory / "tokenizer.json", "hunter2")
    return directory


def word_level(path: Path, word: str) -> None:
    Tokenizer(models.WordLevel({"[UNK]": 0, word: 1}, unk_token="[UNK]")).save(str(path))


def write(directory: Path, **files: object) -> None:
    for name, content in files.items():
        path = directory / name.replace("__", ".")
        path.write_text(content if isinstance(content, str) else json.dumps(content))


def loaded(model: Path) -> set[str] | str:
    """The tokens that a run would get, or the message of its end."""
    checkpoint = resolve(ModelReference(id=str(model)), roots=(model.parent,))
    try:
        return set(checkpoint.tokenizer().get_vocab())
    except InvalidInput as error:
        return str(error)


ATTACKS: dict[str, dict[str, Any]] = {
    "words": {
        "tokenizer_config__json": {"tokenizer_class": "BertTokenizer", "vocab": "@words.txt"},
        "vocab__txt": "[UNK]\nown\n",
    },
    "first argument": {
        "tokenizer_config__json": {"tokenizer_class": "BertTokenizer", "init_inputs": ["@words.txt"]},
        "vocab__json": {},
    },
    "vocabulary and merges": {
        "tokenizer_config__json": {
            "tokenizer_class": "GPT2Tokenizer",
            "vocab": "@vocab.json",
            "merges": "@merges.txt",
        },
        "vocab__json": {"own": 0},
        "merges__txt": "#version: 0.2\n",
    },
    "versioned": {
        "tokenizer_config__json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "fast_tokenizer_files": ["tokenizer.json", "@tokenizer.1.0.0.json"],
        },
    },
    "special tokens name the tokenizer": {
        "tokenizer_config__json": {"tokenizer_class": "PreTrainedTokenizerFast"},
        "special_tokens_map__json": {"tokenizer_file": "@tokenizer.json"},
    },
    "special tokens name the words": {
        "tokenizer_config__json": {"tokenizer_class": "BertTokenizerLegacy"},
        "special_tokens_map__json": {"vocab_file": "@words.txt"},
        "vocab__txt": "[UNK]\nown\n",
    },
}


@pytest.mark.threat
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_tokenizer_opens_no_file_that_its_settings_name(model: Path, outside: Path, attack: str) -> None:
    word_level(model / "tokenizer.json", "own")
    if "vocab__txt" in ATTACKS[attack] or "vocab__json" in ATTACKS[attack]:
        (model / "tokenizer.json").unlink()
    found: list[object] = []
    for target in (outside, outside / "missing"):
        for name, content in ATTACKS[attack].items():
            text = content if isinstance(content, str) else json.dumps(content)
            write(model, **{name: text.replace("@", f"{target}/")})
        found.append(loaded(model))
    assert "hunter2" not in found[0]  # type: ignore[operator]
    assert found[0] == found[1]  # nor does it reveal whether such a file exists


@pytest.mark.threat
@pytest.mark.parametrize("file", [SETTINGS, SPECIAL_TOKENS])
@pytest.mark.parametrize("value", ["/etc/passwd", ["/etc/passwd"], {"model_file": "/etc/passwd"}, 0, True])
@pytest.mark.parametrize(
    "key",
    [
        *("vocab", "merges", "vocab_file", "merges_file", "entity_vocab", "source_spm", "name_or_path"),
        *("gguf_file", "tokenizer_file", "fast_tokenizer_files", "tokenizer_object", "cache_dir"),
    ],
)
def test_nothing_that_a_class_could_open_is_left(tmp_path: Path, file: str, key: str, value: object) -> None:
    write(tmp_path, config__json={}, **{file.replace(".", "__"): {key: value, "eos_token": "</s>"}})
    confine_tokenizer(tmp_path)
    assert json.loads((tmp_path / file).read_text()) == {"eos_token": "</s>"}


@pytest.mark.threat
@pytest.mark.parametrize("key", ["sp_model_kwargs", "a_setting_of_next_year"])
def test_a_text_under_a_name_that_is_not_listed_is_left_out(tmp_path: Path, key: str) -> None:
    write(tmp_path, config__json={}, tokenizer_config__json={key: {"model_file": "/etc/passwd"}})
    confine_tokenizer(tmp_path)
    assert json.loads((tmp_path / SETTINGS).read_text()) == {}


@pytest.mark.threat
@pytest.mark.parametrize("where", [SETTINGS, "config.json"])
@pytest.mark.parametrize("name", ["MyT5Tokenizer", "AutoModelForCausalLM", "RagTokenizer", "__init__", 3])
def test_a_class_that_opens_other_files_is_refused(tmp_path: Path, where: str, name: object) -> None:
    write(tmp_path, config__json={})
    write(tmp_path, **{where.replace(".", "__"): {"tokenizer_class": name}})
    with pytest.raises(InvalidInput, match=f"tokenizer_class in the model's {where}"):
        confine_tokenizer(tmp_path)


# As models of these families ship it, shortened: paths of the machine that made them, and texts with a slash.
_BYTES = {"add_prefix_space": False, "bos_token": "<s>", "eos_token": "</s>", "unk_token": "</s>"}
_CHAT = "{% for m in messages %}</s>/../{{ m['content'] }}{% endfor %}"
_DECODER = {
    "0": {"content": "<s>", "lstrip": False, "normalized": False, "rstrip": False, "single_word": False},
    "1": {"content": "</s>", "lstrip": True, "normalized": False, "rstrip": False, "single_word": False},
}
_PATH = "/admin/home/.cache/huggingface/hub/snapshots/x/special_tokens_map.json"
HONEST: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "gpt2": ("gpt2", {**_BYTES, "tokenizer_class": "GPT2Tokenizer", "errors": "replace"}, {}),
    "opt": (
        "opt",
        {
            **_BYTES,
            "tokenizer_class": "GPT2Tokenizer",
            "add_bos_token": True,
            "special_tokens_map_file": None,
            "name_or_path": "patrickvonplaten/opt-30b",
        },
        {"bos_token": {"content": "</s>", "lstrip": False, "normalized": True, "rstrip": False,
                       "single_word": False}},
    ),
    "pythia": (
        "gpt_neox",
        {
            **_BYTES,
            "tokenizer_class": "GPTNeoXTokenizer",
            "name_or_path": "EleutherAI/gpt-neox-20b",
            "special_tokens_map_file": _PATH,
        },
        {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "</s>"},
    ),
    "bloom": (
        "bloom",
        {**_BYTES, "tokenizer_class": "BloomTokenizerFast", "name_or_path": "/tok", "padding_side": "left"},
        {"pad_token": "</s>"},
    ),
    "llama": (
        "llama",
        {
            "tokenizer_class": "LlamaTokenizer",
            "added_tokens_decoder": _DECODER,
            "bos_token": {"__type": "AddedToken", **_DECODER["0"]},
            "legacy": False,
            "sp_model_kwargs": {},
            "tokenizer_file": None,
            "use_default_system_prompt": False,
            "model_max_length": 1000000000000000019884624838656,
            "chat_template": _CHAT,
        },
        {},
    ),
    "llama3": (
        "llama",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "added_tokens_decoder": _DECODER,
            "bos_token": "<s>",
            "clean_up_tokenization_spaces": True,
            "model_input_names": ["input_ids", "attention_mask"],
            "chat_template": [{"name": "default", "template": _CHAT}],
        },
        {},
    ),
    "qwen": (
        "qwen2",
        {
            "tokenizer_class": "Qwen2Tokenizer",
            "added_tokens_decoder": _DECODER,
            "additional_special_tokens": ["<s>", "for"],
            "bos_token": None,
            "eos_token": "</s>",
            "split_special_tokens": False,
            "chat_template": _CHAT,
        },
        {},
    ),
    "gemma": (
        "gemma",
        {
            "tokenizer_class": "GemmaTokenizer",
            "added_tokens_decoder": _DECODER,
            "add_bos_token": True,
            "extra_special_tokens": {"image_token": "if"},
            "bos_token": "<s>",
            "eos_token": "</s>",
            "unk_token": "</s>",
            "pad_token": "</s>",
        },
        {},
    ),
    "mixtral": (
        "mixtral",
        {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "spaces_between_special_tokens": False},
        {"eos_token": "</s>"},
    ),
    "smollm": (
        "llama",
        {
            **_BYTES,
            "tokenizer_class": "GPT2Tokenizer",
            "vocab_size": 384,
            "additional_special_tokens": ["</s>"],
        },
        {"additional_special_tokens": ["</s>"], "eos_token": "</s>"},
    ),
}  # fmt: skip


def behaviour(tokenizer: PreTrainedTokenizerBase) -> tuple[object, ...]:
    text = "for x in (1, 2): </s> print('if')  <s>"
    return (
        type(tokenizer),
        tokenizer(text)["input_ids"],
        tokenizer(text, add_special_tokens=False)["input_ids"],
        tokenizer.decode(tokenizer(text)["input_ids"]),
        tokenizer.special_tokens_map,
        tokenizer.extra_special_tokens,
        tokenizer.padding_side,
        tokenizer.model_max_length,
        tokenizer.model_input_names,
        tokenizer.chat_template,
        tokenizer.get_vocab(),
    )


@pytest.fixture(params=HONEST)
def honest(request: pytest.FixtureRequest, tmp_path: Path, tiny_llama_dir: Path) -> None:
    """The tokenizer of a known family."""
    kind, settings, tokens = HONEST[request.param]
    shutil.copy(tiny_llama_dir / "tokenizer.json", tmp_path)
    write(tmp_path, config__json={"model_type": kind}, tokenizer_config__json=settings)
    if tokens:
        write(tmp_path, special_tokens_map__json=tokens)


@pytest.mark.usefixtures("honest")
def test_tokenizers_of_known_families_equal_those_of_transformers(tmp_path: Path) -> None:
    expected = behaviour(AutoTokenizer.from_pretrained(tmp_path, local_files_only=True))
    confine_tokenizer(tmp_path)
    assert behaviour(AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)) == expected


@pytest.mark.usefixtures("honest")
def test_a_helper_without_torch_gives_the_token_ids_of_known_families(tmp_path: Path) -> None:
    files = ModelFiles.freeze(tmp_path, sorted(path.name for path in tmp_path.iterdir()), None)
    here = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    with Sandbox().tokenizer(files) as inside:
        for text in ("for x in (1, 2): </s> print('if')  <s>", "naïve \0 \t", ""):
            assert inside(text, verbose=False)["input_ids"] == here(text)["input_ids"]
