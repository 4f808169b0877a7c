"""Small files that ask for much: each is refused before it takes the memory or the time."""

import json
import shutil
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import yaml
from huggingface_hub.errors import StrictDataclassClassValidationError
from tokenizers import Tokenizer
from transformers import MODEL_FOR_CAUSAL_LM_MAPPING

from pruning.checkpoint.checkpoint import resolve
from pruning.checkpoint.description import declared_languages, declared_licence
from pruning.checkpoint.layout import stored_tensors
from pruning.data.text import Source
from pruning.data.windows import Reader
from pruning.errors import InvalidInput, is_panic
from pruning.estimate import UnknownShape, out_of_bounds_value, shape_of_config
from pruning.recipe import ModelReference

pytestmark = pytest.mark.threat

LAUGHS = """---
a: &a ["lol","lol","lol","lol","lol","lol","lol","lol","lol"]
b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]
c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]
license: [*c,*c,*c,*c,*c,*c,*c,*c,*c]
---
"""


@pytest.fixture
def model_dir(tiny_llama_dir: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_llama_dir, tmp_path / "model")


def refusal(directory: Path) -> str:
    with pytest.raises(InvalidInput) as refused:
        resolve(ModelReference(id=str(directory)))
    assert refused.value.field == "model.id"
    return str(refused.value)


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@contextmanager
def at_most(count: int) -> Iterator[None]:
    """Python must not hold more than this many bytes more meanwhile."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < count
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("layers", [10_001, 20_000, 10**12, -(10**6)])
def test_a_config_of_many_layers_is_refused_by_worker_and_estimate_alike(
    model_dir: Path, layers: int
) -> None:
    edit(model_dir / "config.json", num_hidden_layers=layers)
    assert "num_hidden_layers is not a number up to 10000" in refusal(model_dir)
    with pytest.raises(UnknownShape, match=r"num_hidden_layers .* 10000"):
        shape_of_config(json.loads((model_dir / "config.json").read_text()))


def test_layers_that_the_weights_lack_are_not_built(model_dir: Path) -> None:
    edit(model_dir / "config.json", num_hidden_layers=9_000, layer_types=None)
    with at_most(20_000_000):  # 9,000 layers take hundreds of millions
        assert "many times more weights than the 30 tensors" in refusal(model_dir)


@pytest.mark.parametrize(
    "changes",
    [
        {"num_labels": 10**9},
        {"rope_parameters": {"factor": [{"num_experts": 10**6}]}},
        {"vocab_size": 10**12},
        {"anything_else": 10**40},
    ],
)
def test_every_number_of_a_config_has_a_bound(model_dir: Path, changes: dict[str, object]) -> None:
    edit(model_dir / "config.json", **changes)
    assert "is not a number up to" in refusal(model_dir)


def test_a_config_that_is_too_deep_or_too_long_is_refused(model_dir: Path) -> None:
    deep: object = 1
    for _ in range(40):
        deep = [deep]
    edit(model_dir / "config.json", deep=deep)
    assert "nested" in refusal(model_dir)
    (model_dir / "config.json").write_text(f'{{"a": "{"x" * 2_000_000}"}}')
    assert "config.json of the model has 2000009 bytes" in refusal(model_dir)


def test_a_config_that_names_other_configs_is_refused(model_dir: Path) -> None:
    edit(model_dir / "config.json", configuration_files=["config.4.0.0.json"])
    assert "configuration_files" in refusal(model_dir)


def test_the_bounds_let_every_family_of_transformers_through() -> None:
    refused = {}
    for kind in MODEL_FOR_CAUSAL_LM_MAPPING:
        with suppress(StrictDataclassClassValidationError):  # one family has no defaults
            if (wrong := out_of_bounds_value(kind().to_dict())) is not None:
                refused[kind.__name__] = wrong
    assert refused == {}


def test_a_licence_of_aliases_is_not_expanded(tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    card.write_text(LAUGHS)
    with at_most(1_000_000):
        assert declared_licence(card) is None
        assert declared_languages(card) == ()


@pytest.mark.parametrize(
    "lines",
    [
        "language: en",
        "language: 'pt-BR'",
        'language: [en, fr , "de"]',
        "language:\n- en\n- zh\nlicense: mit",
        "language:\n  - en\n  - 'no'",
        "language: multilingual",
        "license: mit",
    ],
)
def test_the_languages_of_a_card_are_those_that_yaml_reads(tmp_path: Path, lines: str) -> None:
    card = tmp_path / "README.md"
    card.write_text(f"---\n{lines}\n---\nlanguage: eo\n")
    read = yaml.safe_load(lines).get("language", [])
    assert declared_languages(card) == tuple([read] if isinstance(read, str) else read)


@pytest.mark.parametrize(
    "lines",
    [
        "language: <script>alert(1)</script>",
        "language: [en, [x](https://evil.example)]",
        "language: *a",
        "language: en\nlanguage: fr",
        "language:\n- en\n- |\n  fr",
        "language:",
        "language: []",
        "language:\n" + "\n".join(f"- a{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(257)),
        "language: " + "a" * 65,
    ],
)
def test_what_is_no_list_of_languages_is_none(tmp_path: Path, lines: str) -> None:
    card = tmp_path / "README.md"
    card.write_text(f"---\n{lines}\n---\n")
    assert declared_languages(card) == ()


@pytest.mark.parametrize(
    ("line", "licence"),
    [
        ("license: apache-2.0", "apache-2.0"),
        ("license: 'llama3.1'", "llama3.1"),
        ('license: "bigscience-bloom-rail-1.0"  ', "bigscience-bloom-rail-1.0"),
        ("license: [mit](https://evil.example)", None),
        ("license: <script>alert(1)</script>", None),
        ("license: *a", None),
        ("license: &a mit", None),
        ("license: !!python/name:os.system x", None),
        ("license: |", None),
        ("license: " + "a" * 65, None),
        ("license: mit\nlicense: gpl-3.0", None),
        ("license: mit\u202ecod.exe", None),
        ("other: mit", None),
    ],
)
def test_a_licence_is_one_plain_word_or_nothing(tmp_path: Path, line: str, licence: str | None) -> None:
    card = tmp_path / "README.md"
    card.write_text(f"---\n{line}\n---\nlicense: isc\n")
    assert declared_licence(card) == licence


def test_a_card_without_an_end_is_read_no_further_than_needed(tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    with card.open("wb") as file:
        file.write(b"---\nlicense: mit\n")
        file.truncate(1 << 33)
    with at_most(2_000_000):
        assert declared_licence(card) is None


@pytest.mark.parametrize("name", ["LICENSE", "NOTICE.txt", "USE_POLICY.md", "tokenizer.json", "README.md"])
def test_a_sparse_file_next_to_the_weights_is_refused(model_dir: Path, name: str) -> None:
    with (model_dir / name).open("ab") as file:
        file.truncate(1 << 33)
    assert f"{name} of the model has {1 << 33} bytes" in refusal(model_dir)


def test_too_many_files_next_to_the_weights_are_refused(model_dir: Path) -> None:
    own = len(list(model_dir.iterdir())) - 1
    for number in range(100 - own):
        (model_dir / f"LICENSE{number}").write_text("mine")
    assert resolve(ModelReference(id=str(model_dir)))
    (model_dir / "NOTICE").write_text("mine")
    assert "the model has 101 configs, tokenizer files and licences" in refusal(model_dir)


def test_a_tokenizer_that_makes_rust_panic_when_it_is_loaded_is_refused(model_dir: Path) -> None:
    damaged = {"type": "Precompiled", "precompiled_charsmap": "AAAA"}
    edit(model_dir / "tokenizer.json", normalizer=damaged)
    with pytest.raises(BaseException, match="charsmap") as panicked:
        Tokenizer.from_file(str(model_dir / "tokenizer.json"))
    assert is_panic(panicked.value)
    checkpoint = resolve(ModelReference(id=str(model_dir)))
    with pytest.raises(InvalidInput, match="tokenizer") as refused:
        checkpoint.tokenizer()
    assert refused.value.field == "model.id"


def test_a_tokenizer_that_makes_rust_panic_over_a_text_is_refused(model_dir: Path) -> None:
    slow = {"type": "Split", "pattern": {"Regex": "((a+)+)+b"}, "behavior": "Isolated", "invert": False}
    edit(model_dir / "tokenizer.json", pre_tokenizer=slow)
    reader = Reader(resolve(ModelReference(id=str(model_dir))).tokenizer(), vocabulary=384)
    with pytest.raises(InvalidInput, match="failed on the text") as refused:
        reader.encode("a" * 40, Source("text", "calibration", "calibration.dataset"))
    assert refused.value.field == "model.id"


def test_an_interruption_is_no_refusal(model_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = resolve(ModelReference(id=str(model_dir)))

    def interrupt(*anything: object, **more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pruning.checkpoint.tokenizer.AutoTokenizer.from_pretrained", interrupt)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.tokenizer()


@pytest.mark.threat
def test_weights_that_cannot_be_mapped_are_refused_by_name_and_size(model_dir: Path) -> None:
    size = 1 << 40  # of a sparse file, and more than a machine of the tests has
    tensor = {"dtype": "F32", "shape": [1 << 19, 1 << 19], "data_offsets": [0, size]}
    header = json.dumps({"w": tensor}).encode()
    header += b" " * (-len(header) % 8)
    with (model_dir / "model.safetensors").open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + size)
    with pytest.raises(InvalidInput, match=rf"model\.safetensors has {8 + len(header) + size} bytes.*map"):
        stored_tensors(model_dir, ["model.safetensors"])
