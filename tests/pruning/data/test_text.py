import gzip
import json
import os
import re
import tracemalloc
from pathlib import Path
from pkgutil import resolve_name

import datasets
import huggingface_hub
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets.arrow_writer import ArrowWriter

from pruning.data.text import Purpose, Source, read_documents
from pruning.errors import InvalidInput, Unreachable
from pruning.recipe import DATASETS


def source(dataset: str, purpose: Purpose) -> Source:
    return Source(dataset, purpose, f"{purpose}.dataset")


def refused(path: Path, *, roots: tuple[Path, ...] | None = None) -> str:
    with pytest.raises(InvalidInput) as caught:
        read_documents(source(str(path), "calibration"), roots=roots)
    assert caught.value.field == "calibration.dataset"
    return str(caught.value)


def test_a_txt_file_is_one_document(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("\ufeffOne.\n\nTwo, naïve.", encoding="utf-8")
    assert read_documents(source(str(file), "calibration")) == ["One.\n\nTwo, naïve."]


def test_a_jsonl_file_has_a_document_per_line(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "One", "url": "x"}\n\n{"text": "  "}\n{"text": "Two"}', encoding="utf-8")
    assert read_documents(source(str(file), "calibration")) == ["One", "Two"]


def test_a_parquet_file_has_a_document_per_row(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["One", None, "Two", ""], "n": [1, 2, 3, 4]}), file)
    assert read_documents(source(str(file), "evaluation")) == ["One", "Two"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", b"", "holds no text"),
        ("a.txt", b" \n\n\t", "holds no text"),
        ("a.jsonl", b"\n", "holds no text"),
        ("a.txt", b"\xff\xfe\x00\x01", "not UTF-8"),
        ("a.txt", b"ELF\0\0", "NUL"),
        ("a.jsonl", b'{"text": "fine"}\n{"text": "\xff"}', "not UTF-8"),
        ("a.jsonl", b'{"text": "fine"}\nplain words', "line 2: not a JSON value"),
        ("a.jsonl", b"[" * 100_000, "line 1: not a JSON value"),
        ("a.jsonl", b'{"content": "no text"}', "line 1: not an object with a string field 'text'"),
        ("a.jsonl", b'{"text": 3}', "line 1: not an object with a string field 'text'"),
        ("a.jsonl", b'{"text": "\\ud800"}', "line 1: the text has a lone surrogate"),
        ("a.jsonl", b'["text"]', "line 1: not an object with a string field 'text'"),
        ("a.parquet", b"PAR1 and nothing else", "not a readable parquet file"),
        ("a.pdf", b"words", "not a .txt, .jsonl, .parquet or .npy file"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_refused(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    message = refused(file)
    assert reason in message
    assert name in message


def test_a_parquet_file_without_a_text_column_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"content": ["One"]}), file)
    assert "no column 'text'" in refused(file)
    pq.write_table(pa.table({"text": [1, 2]}), file)
    assert "type int64" in refused(file)


def test_a_missing_file_and_a_directory_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.txt").mkdir()
    assert "does not exist" in refused(tmp_path / "none.txt")
    assert "does not exist or is not a readable file" in refused(tmp_path / "folder.txt")
    assert "does not exist" in refused(tmp_path / ("long" * 100 + ".txt"))


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    assert "not a readable file" in refused(tmp_path / "pipe.txt")


def test_a_file_must_really_lie_under_an_allowed_root(tmp_path: Path) -> None:
    allowed, other = tmp_path / "allowed", tmp_path / "allowed-not"
    allowed.mkdir()
    other.mkdir()
    (allowed / "in.txt").write_text("In.")
    (other / "out.txt").write_text("Out.")
    (allowed / "escape.txt").symlink_to(other / "out.txt")
    (other / "back.txt").symlink_to(allowed / "in.txt")
    assert read_documents(source(str(allowed / "in.txt"), "calibration"), roots=(allowed,)) == ["In."]
    assert read_documents(source(str(other / "back.txt"), "calibration"), roots=(allowed,)) == ["In."]
    assert "outside the allowed directories" in refused(allowed / "escape.txt", roots=(allowed,))
    assert "outside the allowed directories" in refused(other / "out.txt", roots=(allowed,))
    assert "none is configured" in refused(allowed / "in.txt", roots=())


def test_an_error_does_not_show_what_exists_outside_of_the_roots(tmp_path: Path) -> None:
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    (tmp_path / "there.txt").write_text("secret")
    there, absent = (refused(tmp_path / name, roots=(allowed,)) for name in ("there.txt", "absent.txt"))
    assert there.replace("there", "absent") == absent


def test_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").symlink_to(tmp_path / "b.txt")
    (tmp_path / "b.txt").symlink_to(tmp_path / "a.txt")
    assert "does not exist" in refused(tmp_path / "a.txt")


@pytest.mark.parametrize("name", DATASETS)
def test_every_named_dataset_has_its_function(name: str) -> None:
    assert callable(resolve_name(DATASETS[name]))


@pytest.mark.parametrize(
    ("name", "characters", "left_out"),
    [
        ("builtin", 80_000, r"::=|\*\*\*\*"),
        ("builtin-code", 200_000, "(?i)copyright|licen[cs]e|redistribution|__all__"),
        ("builtin-math", 100_000, "nan|inf"),
        ("builtin-german", 11_000, " the "),
    ],
)
def test_a_builtin_text_is_of_its_kind_and_its_two_parts_share_no_paragraph(
    name: str, characters: int, left_out: str
) -> None:
    (calibration,) = read_documents(source(name, "calibration"))
    (evaluation,) = read_documents(source(name, "evaluation"))
    assert min(len(calibration), len(evaluation)) > characters
    paragraphs = [text.split("\n\n") for text in (calibration, evaluation)]
    assert not set(paragraphs[0]) & set(paragraphs[1])
    assert all(len(set(part)) == len(part) for part in paragraphs)
    assert not re.search(left_out, calibration)
    assert read_documents(source(name, "calibration")) == [calibration]


def test_the_generated_problems_are_solved_correctly() -> None:
    (text,) = read_documents(source("builtin-math", "evaluation"))
    side = r"(?:(?<=[.,;=] )|(?<=is ))(-?[(\d][\d ()+·/.-]*)"  # not a part of one: "the sum is 3 + 5 = 8."
    found = re.findall(side + r" = (-?\d+(?:\.\d+)?)(?=[.,;\n]| dollars)", text)
    equations = [(left, right) for left, right in found if left.count("(") == left.count(")")]  # no gcd(a, b)
    assert len(equations) > 700  # of 2,400; the others have letters or fractions, or are a division's
    for left, right in equations:
        assert eval(left.replace("·", "*")) == float(right), left  # noqa: S307 - digits and signs


@pytest.mark.parametrize("dataset", ["c4", "wikitext2"])
@pytest.mark.parametrize("purpose", ["calibration", "evaluation"])
def test_a_hub_that_does_not_answer_is_unreachable(
    dataset: str, purpose: Purpose, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)  # between its retries
    with pytest.raises(
        Unreachable, match=f"{dataset} could not be loaded .* local file, or 'builtin'"
    ) as caught:
        read_documents(source(dataset, purpose))
    assert caught.value.field == f"{purpose}.dataset"


@pytest.mark.parametrize("dataset", ["c4", "wikitext2"])
def test_offline_mode_says_that_a_dataset_is_not_in_the_cache(
    dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (huggingface_hub.constants, datasets.config):
        monkeypatch.setattr(module, "HF_HUB_OFFLINE", True)
    with pytest.raises(InvalidInput, match=rf"{dataset} is not in the cache, and offline mode") as caught:
        read_documents(source(dataset, "calibration"))
    assert caught.value.field == "calibration.dataset"


def keep_in_cache(cache: Path, name: str, config: str, folder: str, splits: dict[str, list[str]]) -> None:
    """Fill the cache as `datasets` does when it has loaded a dataset of the Hub."""
    owner, short = name.split("/")
    directory = cache / f"{owner}___{short}" / folder / "0.0.0" / ("a" * 40)
    directory.mkdir(parents=True)
    facts = datasets.SplitDict()
    for split, texts in splits.items():
        with ArrowWriter(path=str(directory / f"{short}-{split}.arrow")) as writer:
            for text in texts:
                writer.write({"text": text})
            writer.finalize()
        facts.add(datasets.SplitInfo(split, num_bytes=1, num_examples=len(texts), dataset_name=short))
    features = datasets.Features({"text": datasets.Value("string")})
    datasets.DatasetInfo(
        features=features, config_name=config, dataset_name=short, version="0.0.0", splits=facts
    ).write_to_directory(str(directory))


def test_offline_mode_reads_what_is_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (huggingface_hub.constants, datasets.config):
        monkeypatch.setattr(module, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    wikitext = {"train": ["a", "b"], "test": ["c", "d"]}
    keep_in_cache(tmp_path, "Salesforce/wikitext", "wikitext-2-raw-v1", "wikitext-2-raw-v1", wikitext)
    # A shard has a folder of its own, named after what was asked for.
    asked = {"data_files": {"train": "en/c4-train.00000-of-01024.json.gz"}}
    folder = datasets.BuilderConfig("en").create_config_id(config_kwargs=asked)
    keep_in_cache(tmp_path, "allenai/c4", "en", folder, {"train": ["e", "f"]})

    assert list(read_documents(source("wikitext2", "calibration"))) == ["a b"]
    assert list(read_documents(source("wikitext2", "evaluation"))) == ["c\n\nd"]
    assert list(read_documents(source("c4", "calibration"))) == ["e", "f"]
    with pytest.raises(InvalidInput, match="c4 is not in the cache, and offline mode"):
        read_documents(source("c4", "evaluation"))


@pytest.fixture
def hub_stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory whose `owner/name` folders `datasets` reads in place of the Hub's."""
    load = datasets.load_dataset
    monkeypatch.setattr(
        datasets,
        "load_dataset",
        lambda name, *args, **kwargs: load(
            str(tmp_path / name), *args, cache_dir=str(tmp_path / "cache"), **kwargs
        ),
    )
    return tmp_path


def test_c4_is_parsed_from_a_local_stand_in_of_the_hub(hub_stand_in: Path) -> None:
    repository = hub_stand_in / "allenai/c4"
    (repository / "en").mkdir(parents=True)
    # The card declares both splits with the sizes of all shards, as the real one does.
    (repository / "README.md").write_text(
        "---\nconfigs:\n- config_name: en\n  data_files:\n"
        "  - split: train\n    path: en/c4-train.*.json.gz\n"
        "  - split: validation\n    path: en/c4-validation.*.json.gz\n"
        "dataset_info:\n- config_name: en\n  splits:\n"
        "  - name: train\n    num_bytes: 1\n    num_examples: 364868892\n"
        "  - name: validation\n    num_bytes: 1\n    num_examples: 364608\n---\n"
    )
    for name, count in (
        ("c4-train.00000-of-01024", 3),
        ("c4-train.00001-of-01024", 5),
        ("c4-validation.00000-of-00008", 1200),
    ):
        with gzip.open(repository / f"en/{name}.json.gz", "wt") as lines:
            for number in range(count):
                record = {"text": f"{name} {number}", "timestamp": "2019-04-25T12:57:54Z", "url": "http://x"}
                lines.write(json.dumps(record) + "\n")
    train = read_documents(source("c4", "calibration"))
    assert [train[number] for number in range(len(train))] == [
        f"c4-train.00000-of-01024 {number}" for number in range(3)
    ]
    validation = read_documents(source("c4", "evaluation"))
    assert validation == [" ".join(f"c4-validation.00000-of-00008 {number}" for number in range(1100))]


def test_wikitext2_is_parsed_from_a_local_stand_in_of_the_hub(hub_stand_in: Path) -> None:
    folder = hub_stand_in / "Salesforce/wikitext/wikitext-2-raw-v1"
    folder.mkdir(parents=True)
    for split in ("train", "validation", "test"):
        pq.write_table(
            pa.table({"text": ["", f" = {split} = \n", "words"]}), folder / f"{split}-00000-of-00001.parquet"
        )
    (folder.parent / "README.md").write_text(
        "---\nconfigs:\n- config_name: wikitext-2-raw-v1\n  data_files:\n"
        + "".join(
            f"  - split: {split}\n    path: wikitext-2-raw-v1/{split}-*\n"
            for split in ("test", "train", "validation")
        )
        + "---\n"
    )
    assert list(read_documents(source("wikitext2", "calibration"))) == ["  = train = \n words"]
    assert list(read_documents(source("wikitext2", "evaluation"))) == ["\n\n = test = \n\n\nwords"]


@pytest.mark.threat
def test_a_small_parquet_file_that_expands_a_million_times_is_refused(
    tmp_path: Path,
) -> None:
    file = tmp_path / "bomb.parquet"
    repeated = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_000, pa.int32()), pa.array(["x" * 4_700]))
    pq.write_table(pa.table({"text": repeated}), file, compression="zstd", store_schema=False)
    assert file.stat().st_size < 4_000
    tracemalloc.start()
    message = refused(file)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "unpacks to more than" in message
    assert most < 20_000_000  # of 4.7 GB


@pytest.mark.threat
def test_a_parquet_file_says_how_large_it_is_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "bomb.parquet"
    pq.write_table(pa.table({"text": ["y" * 50_000_000]}), file, compression="zstd", use_dictionary=False)
    assert file.stat().st_size < 10_000
    monkeypatch.setattr("pruning.data.text._MAX_CHUNK_BYTES", 40_000_000)
    monkeypatch.setattr(pq.ParquetFile, "iter_batches", lambda *args, **options: pytest.fail("it was read"))
    assert "unpacks to more than 40000000 bytes" in refused(file)


@pytest.mark.parametrize("dictionary", [True, False])
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_parquet_texts_keep_their_order_across_batches(
    tmp_path: Path, kind: pa.DataType, dictionary: bool
) -> None:
    texts = [f"text {number % 700}" if number % 9 else None for number in range(3_000)]
    file = tmp_path / "a.parquet"
    pq.write_table(
        pa.table({"text": pa.array(texts, kind)}), file, use_dictionary=dictionary, row_group_size=1_100
    )
    assert read_documents(source(str(file), "calibration")) == [text for text in texts if text]


@pytest.mark.threat
def test_a_line_of_jsonl_is_read_no_further_than_its_bound(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    with file.open("wb") as lines:
        lines.write(b'{"text": "fine"}\n{"text": "' + b"x" * 40_000_000 + b'"}\n')
    tracemalloc.start()
    message = refused(file)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "line 2: longer than 8388608 bytes" in message
    assert most < 30_000_000
