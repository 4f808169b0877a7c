# ruff: noqa: S311 - the reference draws from this generator
import errno
import hashlib
import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerBase

from pruning.data import calibration as calibration_module
from pruning.data.calibration import CalibrationSet, calibration_set
from pruning.data.windows import Reader, fingerprint
from pruning.errors import InvalidInput
from pruning.recipe import Calibration


@pytest.fixture
def reader(tokenizer: PreTrainedTokenizerBase) -> Reader:
    return Reader(tokenizer, vocabulary=384, context_length=128)


def jsonl(path: Path, documents: list[str]) -> str:
    path.write_text("".join(json.dumps({"text": document}) + "\n" for document in documents))
    return str(path)


def refused(reader: Reader, **fields: object) -> tuple[str | None, str]:
    with pytest.raises(InvalidInput) as caught:
        calibration_set(Calibration.model_validate(fields), reader)
    return caught.value.field, str(caught.value)


def drawn_as_the_reference_does(
    documents: list[str], tokenizer: PreTrainedTokenizerBase, samples: int, length: int, seed: int
) -> list[list[int]]:
    """The sampling rule in plain steps, on the global generator."""
    random.seed(seed)
    windows = []
    while len(windows) < samples:
        ids = tokenizer(documents[random.randint(0, len(documents) - 1)])["input_ids"]
        if len(ids) > length:
            start = random.randint(0, len(ids) - length - 1)
            windows.append(ids[start : start + length])
    return windows


def test_documents_are_drawn_as_the_reference_draws_them(
    tmp_path: Path, reader: Reader, tokenizer: PreTrainedTokenizerBase
) -> None:
    words = random.Random(3)
    documents = [
        " ".join(words.choices(["if", "for", "the", "suite"], k=words.randint(1, 60))) for _ in range(40)
    ]
    dataset = jsonl(tmp_path / "a.jsonl", documents)
    found = calibration_set(Calibration(dataset=dataset, samples=12, sequence_length=24, seed=7), reader)
    expected = drawn_as_the_reference_does(documents, tokenizer, 12, 24, 7)
    assert found.windows.tolist() == expected
    assert found.windows.dtype == torch.int64
    assert found.sets[0].notes == ()


def test_a_single_text_is_cut_at_the_references_offsets(
    tmp_path: Path, reader: Reader, tokenizer: PreTrainedTokenizerBase
) -> None:
    file = tmp_path / "a.txt"
    file.write_text("the suite of the for statement " * 100)
    found = calibration_set(Calibration(dataset=str(file), samples=5, sequence_length=32, seed=1), reader)
    ids = tokenizer(file.read_text())["input_ids"]
    random.seed(1)
    starts = [random.randint(0, len(ids) - 32 - 1) for _ in range(5)]
    assert found.windows.tolist() == [ids[start : start + 32] for start in starts]


def test_a_document_as_long_as_the_window_is_not_long_enough(
    tmp_path: Path, reader: Reader, tokenizer: PreTrainedTokenizerBase
) -> None:
    exact, longer = "ab" * 20, "cd" * 21
    length = len(tokenizer(exact)["input_ids"])
    assert len(tokenizer(longer)["input_ids"]) > length
    dataset = jsonl(tmp_path / "a.jsonl", [exact] * 5 + [longer])
    found = calibration_set(Calibration(dataset=dataset, samples=3, sequence_length=length), reader)
    assert found.windows.unique(dim=0).shape[0] <= 2
    assert all(row in tokenizer(longer)["input_ids"] for row in found.windows.unique().tolist())
    assert "come from 1 documents" in found.sets[0].notes[0]


def test_equal_arguments_give_equal_windows_and_another_seed_gives_others(reader: Reader) -> None:
    def draw(seed: int) -> CalibrationSet:
        return calibration_set(
            Calibration(dataset="builtin", samples=4, sequence_length=64, seed=seed), reader
        )

    assert torch.equal(draw(0).windows, draw(0).windows)
    assert draw(0).fingerprint == draw(0).fingerprint != draw(1).fingerprint


def test_short_documents_are_packed_and_the_report_says_so(
    tmp_path: Path, reader: Reader, tokenizer: PreTrainedTokenizerBase
) -> None:
    documents = [f"the for statement {number}" for number in range(200)]
    dataset = jsonl(tmp_path / "a.jsonl", documents)
    found = calibration_set(Calibration(dataset=dataset, samples=6, sequence_length=50), reader)
    assert found.windows.shape == (6, 50)
    assert "packed" in found.sets[0].notes[0]
    text = tokenizer.decode(found.windows.flatten())
    pieces = text.split("\n\n")[:-1]
    assert set(pieces) < set(documents), "whole documents, a blank line between them"
    assert len(set(pieces)) == len(pieces), "none twice"


def test_too_few_long_documents_end_the_draw_after_a_bounded_number_of_tries(
    tmp_path: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration_module, "_MAX_DRAWS", 50)
    dataset = jsonl(tmp_path / "a.jsonl", ["for " * 200] + ["the suite of a statement"] * 3000)
    found = calibration_set(Calibration(dataset=dataset, samples=8, sequence_length=100), reader)
    assert found.windows.shape == (8, 100)
    assert "packed" in found.sets[0].notes[0]


def test_more_windows_than_the_packed_documents_hold_are_refused(tmp_path: Path, reader: Reader) -> None:
    dataset = jsonl(tmp_path / "a.jsonl", ["the for statement"] * 30)
    field, message = refused(reader, dataset=dataset, samples=50, sequence_length=60)
    assert field == "calibration.samples"
    assert message.startswith("samples 50: a.jsonl holds only ")
    assert "windows of 60 tokens" in message


def test_a_text_shorter_than_one_window_is_refused(tmp_path: Path, reader: Reader) -> None:
    (tmp_path / "a.txt").write_text("Short.")
    field, message = refused(reader, dataset=str(tmp_path / "a.txt"), samples=1, sequence_length=64)
    assert field == "calibration.dataset"
    assert "a window of 64 needs at least 65" in message
    documents = jsonl(tmp_path / "a.jsonl", ["Short.", "Also short."])
    field, message = refused(reader, dataset=documents, samples=1, sequence_length=64)
    assert field == "calibration.dataset"
    assert "shorter than one window of 64 tokens" in message


def test_overlapping_windows_are_noted(tmp_path: Path, reader: Reader) -> None:
    (tmp_path / "a.txt").write_text("the suite of the for statement " * 10)
    calibration = Calibration(dataset=str(tmp_path / "a.txt"), samples=30, sequence_length=32)
    assert "windows overlap" in calibration_set(calibration, reader).sets[0].notes[0]


def test_the_default_length_is_the_context_but_at_most_2048(tokenizer: PreTrainedTokenizerBase) -> None:
    calibration = Calibration(dataset="builtin", samples=1)
    for context, length in ((100, 100), (2048, 2048), (4096, 2048), (None, 2048)):
        found = calibration_set(calibration, Reader(tokenizer, vocabulary=384, context_length=context))
        assert found.windows.shape == (1, length)


def test_a_length_beyond_the_context_is_refused(reader: Reader) -> None:
    field, message = refused(reader, dataset="builtin", sequence_length=129)
    assert field == "calibration.sequence_length"
    assert "129" in message
    assert "128" in message


def test_a_calibration_set_beyond_all_memory_is_refused(tokenizer: PreTrainedTokenizerBase) -> None:
    field, message = refused(
        Reader(tokenizer, vocabulary=384), dataset="builtin", samples=65_536, sequence_length=131_072
    )
    assert field == "calibration.samples"
    assert "the limit is" in message


def test_token_ids_beyond_all_memory_are_refused_before_they_are_read(
    tmp_path: Path, tokenizer: PreTrainedTokenizerBase
) -> None:
    np.lib.format.open_memmap(tmp_path / "a.npy", "w+", np.uint8, (65_536, 1025))  # a sparse file
    field, message = refused(
        Reader(tokenizer, vocabulary=384), dataset=str(tmp_path / "a.npy"), samples=65_536
    )
    assert field == "calibration.samples"
    assert "the limit is" in message


def test_a_tokenizer_of_another_model_is_refused(tokenizer: PreTrainedTokenizerBase) -> None:
    field, message = refused(
        Reader(tokenizer, vocabulary=50), dataset="builtin", samples=2, sequence_length=64
    )
    assert field == "calibration.dataset"
    assert "vocabulary ends at 49" in message


def test_token_ids_are_used_as_they_are(tmp_path: Path, reader: Reader) -> None:
    for dtype in (np.int64, np.uint16, np.dtype(">i4")):
        ids = np.random.default_rng(0).integers(0, 384, (5, 16)).astype(dtype)
        np.save(tmp_path / "a.npy", ids)
        found = calibration_set(Calibration(dataset=str(tmp_path / "a.npy"), samples=3), reader)
        assert found.windows.tolist() == ids[:3].tolist()
        assert found.windows.dtype == torch.int64


@pytest.mark.parametrize(
    ("array", "field", "reason"),
    [
        (np.zeros((4, 16)), "dataset", "integers, windows by length"),
        (np.zeros(16, int), "dataset", "integers, windows by length"),
        (np.zeros((2, 4, 16), int), "dataset", "integers, windows by length"),
        (np.zeros((4, 1), int), "dataset", "windows of 1 tokens"),
        (np.zeros((0, 16), int), "dataset", "shorter than one window"),
        (np.zeros((3, 16), int), "samples", "samples 4: a.npy holds only 3 windows"),
        (np.zeros((4, 129), int), "sequence_length", "129 exceeds the model's context of 128"),
        (np.full((4, 16), 384), "dataset", "from 384 to 384"),
        (np.full((4, 16), -1), "dataset", "from -1 to -1"),
        (np.full((4, 16), 2**64 - 1, np.uint64), "dataset", "vocabulary ends at 383"),
        (np.array([["a", "b"]]), "dataset", "integers, windows by length"),
        (np.array([[{}, {}]], dtype=object), "dataset", "not a .npy array of numbers"),
    ],
)
def test_token_ids_that_cannot_be_used_are_refused(
    tmp_path: Path, reader: Reader, array: np.ndarray, field: str, reason: str
) -> None:
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    named, message = refused(reader, dataset=str(tmp_path / "a.npy"), samples=4)
    assert named == f"calibration.{field}"
    assert reason in message


def test_token_ids_on_a_failing_disk_are_no_invalid_file(
    tmp_path: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "a.npy", np.zeros((4, 16), int))

    def fail(path: Path, *, mode: str) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(np.lib.format, "open_memmap", fail)
    with pytest.raises(OSError, match="Input/output error"):
        calibration_set(Calibration(dataset=str(tmp_path / "a.npy"), samples=4), reader)


def test_a_length_that_differs_from_the_stored_windows_is_refused(tmp_path: Path, reader: Reader) -> None:
    np.save(tmp_path / "a.npy", np.zeros((4, 16), int))
    field, message = refused(reader, dataset=str(tmp_path / "a.npy"), samples=4, sequence_length=32)
    assert field == "calibration.sequence_length"
    assert "32" in message
    assert "16" in message


def npy_of_shape(shape: str, dtype: str = "<i8") -> bytes:
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(64)


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"words", b"PK\x03\x04 no zip", b"\x93NUMPY\x01\x00"),
        *map(npy_of_shape, ("(True, 8)", "(1, 2**64)", f"(1, {2**64})", "(-1, 8)")),
        # For these, numpy raises MemoryError, RecursionError, TokenError and SyntaxError.
        *map(npy_of_shape, (f"({'-' * 9000}1, 8)", f"({'-' * 3000}1, 8)", "(1L, ")),
        npy_of_shape("(1, 8)", "(1 2,)<i8, i8"),
    ],
)
def test_a_file_that_is_not_npy_is_refused(tmp_path: Path, reader: Reader, content: bytes) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    field, message = refused(reader, dataset=str(tmp_path / "a.npy"))
    assert field == "calibration.dataset"
    assert "not a .npy array" in message


def test_token_ids_must_lie_under_an_allowed_root(tmp_path: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    np.save(tmp_path / "out.npy", np.zeros((4, 16), int))
    (allowed / "escape.npy").symlink_to(tmp_path / "out.npy")
    reader = Reader(tokenizer, vocabulary=384, roots=(allowed,))
    field, message = refused(reader, dataset=str(allowed / "escape.npy"))
    assert field == "calibration.dataset"
    assert "outside the allowed directories" in message


def test_the_fingerprint_is_over_shape_and_little_endian_ids() -> None:
    windows = torch.tensor([[1, 2, 3], [4, 5, 6]])
    expected = hashlib.sha256(b"".join(number.to_bytes(8, "little") for number in (2, 3, 1, 2, 3, 4, 5, 6)))
    assert fingerprint(windows) == expected.hexdigest()
    assert fingerprint(windows) != fingerprint(windows.view(3, 2))


def test_several_datasets_share_the_windows_by_weight(
    tmp_path: Path, reader: Reader, tokenizer: PreTrainedTokenizerBase
) -> None:
    (tmp_path / "a.txt").write_text("the suite of the for statement " * 100)
    np.save(tmp_path / "b.npy", np.arange(160).reshape(5, 32))
    wanted = {
        "datasets": [
            {"dataset": str(tmp_path / "b.npy"), "weight": 1},
            {"dataset": str(tmp_path / "a.txt"), "weight": 2.5},
        ],
        "samples": 7,
        "sequence_length": 32,
        "seed": 3,
    }
    found = calibration_set(Calibration.model_validate(wanted), reader)
    ids = tokenizer((tmp_path / "a.txt").read_text())["input_ids"]
    random.seed(3)
    starts = [random.randint(0, len(ids) - 32 - 1) for _ in range(5)]
    drawn = [ids[start : start + 32] for start in starts]
    assert found.windows.tolist() == np.arange(64).reshape(2, 32).tolist() + drawn
    assert found.fingerprint == fingerprint(found.windows)
    assert [part.fingerprint for part in found.sets] == [
        fingerprint(found.windows[:2]),
        fingerprint(found.windows[2:]),
    ]
    alone = Calibration(dataset=str(tmp_path / "a.txt"), samples=5, sequence_length=32, seed=3)
    assert calibration_set(alone, reader).fingerprint == found.sets[1].fingerprint


def test_one_of_several_datasets_is_refused_by_its_index(tmp_path: Path, reader: Reader) -> None:
    (tmp_path / "a.txt").write_text("Short.")
    datasets = [{"dataset": "builtin"}, {"dataset": str(tmp_path / "a.txt")}]
    field, message = refused(reader, datasets=datasets, samples=2, sequence_length=32)
    assert field == "calibration.datasets.1.dataset"
    assert "at least 33" in message
    datasets[1] = {"dataset": str(tmp_path / "none.txt")}
    field, _ = refused(reader, datasets=datasets, samples=2, sequence_length=32)
    assert field == "calibration.datasets.1.dataset"


def test_windows_of_two_lengths_are_refused(tmp_path: Path, reader: Reader) -> None:
    np.save(tmp_path / "a.npy", np.zeros((4, 16), int))
    datasets = [{"dataset": "builtin"}, {"dataset": str(tmp_path / "a.npy")}]
    field, message = refused(reader, datasets=datasets, samples=4)
    assert field == "calibration.sequence_length"
    assert "16 and 128" in message
