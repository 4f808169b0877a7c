"""Packed files: the same bytes come back, whatever a file holds, and the format is the one described."""

import json
import shutil
import struct
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner, Result

from cli.main import app
from cli.packing import format as packing
from cli.packing.format import NotPackable, pack, unpack
from cli.terminal import Exit

# Bits of an element, of all dtypes that safetensors knows.
BITS = {
    "F4": 4,
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 16),
    **dict.fromkeys(("I32", "U32", "F32"), 32),
    **dict.fromkeys(("I64", "U64", "F64", "C64"), 64),
}


@pytest.fixture(autouse=True, scope="module")
def _short_records() -> Iterator[None]:
    """Tensors of several records."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "CHUNK_ELEMENTS", 50)
        yield


@st.composite
def tensors(draw: st.DrawFn) -> tuple[str, list[int], bytes]:
    """Dtype, shape and bytes: about half of the elements are zero, and some are -0.0 or infinite."""
    dtype = draw(st.sampled_from(sorted(BITS)))
    shape = draw(st.lists(st.integers(0, 12), max_size=3))
    elements = int(np.prod(shape, dtype=int))
    bits = BITS[dtype]
    if bits < 8:
        shape, elements = [*shape, 8], elements * 8
    size = elements * bits // 8
    width = max(1, bits // 8)
    zero, negative_zero = bytes(width), bytes(width - 1) + b"\x80"
    element = st.one_of(
        st.just(zero),
        st.just(negative_zero),
        st.just(b"\xff" * width),
        st.binary(min_size=width, max_size=width),
    )
    content = b"".join(draw(st.lists(element, min_size=size // width, max_size=size // width)))
    return dtype, shape, content


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A safetensors file, with a header as another writer may make it."""
    header: dict[str, object] = {}
    body = b""
    for number, (dtype, shape, content) in enumerate(draw(st.lists(tensors(), max_size=4))):
        body += bytes(draw(st.sampled_from([0, 0, 3])))  # a gap, which a careless writer leaves
        header[f"layer.{number}.wéight"] = {
            "dtype": dtype,
            "shape": shape,
            "data_offsets": [len(body), len(body) + len(content)],
        }
        body += content
    body += draw(st.sampled_from([b"", b"", b"behind the last tensor"]))
    if draw(st.booleans()):
        header["__metadata__"] = {"format": "pt"}
    encoded = json.dumps(header, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1])))
    text = encoded.encode() + b" " * draw(st.integers(0, 7))
    return struct.pack("<Q", len(text)) + text + body


def packed(directory: Path, content: bytes) -> Path:
    (directory / "plain").write_bytes(content)
    pack(directory / "plain", directory / "packed")
    return directory / "packed"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files())
def test_any_file_comes_back_byte_for_byte(tmp_path: Path, content: bytes) -> None:
    unpack(packed(tmp_path, content), tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == content
    assert unpacked_naively((tmp_path / "packed").read_bytes()) == content


def unpacked_naively(stored: bytes) -> bytes:
    """The file that was packed, by the description of the format, element for element."""
    assert stored.startswith(packing.MAGIC)
    at, found = len(packing.MAGIC), b""

    def take(count: int) -> bytes:
        nonlocal at
        at += count
        return stored[at - count : at]

    while True:
        kind, width, count = struct.unpack("<BBQ", take(10))
        if kind == 0:
            assert count == len(found)
            assert len(stored) == at + 32
            return found
        lengths = [struct.unpack("<I", take(4))[0] for _ in range(width + 1)]
        first, *planes = [zstandard.ZstdDecompressor().decompress(take(length)) for length in lengths]
        if kind == 1:
            found += first
            continue
        values = iter(zip(*planes, strict=True))
        for number in range(count):
            is_set = first[number // 8] >> (7 - number % 8) & 1
            found += bytes(next(values)) if is_set else bytes(width)


def test_files_of_the_library_keep_their_tensors(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    weights = {
        "pruned": np.where(generator.random((30, 40)) < 0.5, 0, generator.standard_normal((30, 40))),
        "negative zero": np.array([0.0, -0.0, 1.0], dtype=np.float16),
        "flags": generator.random(19) < 0.5,
        "scalar": np.array(7, dtype=np.int64),
        "nothing": np.zeros((0, 3), dtype=np.float32),
    }
    save_file(weights, tmp_path / "plain", metadata={"format": "pt"})
    pack(tmp_path / "plain", tmp_path / "packed")
    unpack(tmp_path / "packed", tmp_path / "back")
    back = load_file(tmp_path / "back")
    assert back.keys() == weights.keys()
    for name, weight in weights.items():
        assert back[name].tobytes() == weight.tobytes()


def test_zeros_take_a_bit_each_and_kept_bytes_go_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "CHUNK_ELEMENTS", 2**20)
    generator = np.random.default_rng(0)
    weights = generator.standard_normal(200_000, dtype=np.float32)
    weights[generator.random(200_000) < 0.5] = 0
    bf16 = (weights.view(np.uint32) >> 16).astype(np.uint16)
    save_file({"w": bf16}, tmp_path / "plain")
    pack(tmp_path / "plain", tmp_path / "packed")
    entropy = 1 + 0.5 * (8 + 3)  # bits: of the mask; a byte that is noise, sign and exponent
    assert (tmp_path / "packed").stat().st_size < 200_000 * entropy / 8 * 1.03


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files(), st.integers(0, 10**9), st.integers(1, 255))
def test_a_changed_byte_is_found_out(tmp_path: Path, content: bytes, position: int, change: int) -> None:
    stored = bytearray(packed(tmp_path, content).read_bytes())
    stored[position % len(stored)] ^= change
    (tmp_path / "packed").write_bytes(stored)
    try:
        unpack(tmp_path / "packed", tmp_path / "back")
    except NotPackable:
        return
    assert (tmp_path / "back").read_bytes() == content  # a bit that means nothing


@pytest.mark.parametrize("cut", [1, 40, 10**6])
def test_a_shortened_file_is_found_out(tmp_path: Path, cut: int) -> None:
    save_file({"w": np.ones(300)}, tmp_path / "plain")
    pack(tmp_path / "plain", tmp_path / "packed")
    stored = (tmp_path / "packed").read_bytes()
    (tmp_path / "packed").write_bytes(stored[: max(0, len(stored) - cut)])
    with pytest.raises(NotPackable):
        unpack(tmp_path / "packed", tmp_path / "back")


@pytest.mark.parametrize(
    ("header", "body"),
    [
        (b"", b""),
        (b"not JSON", b""),
        (b"[]", b""),
        (b'{"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}}', b"123"),
        (b'{"a": {"dtype": "U8", "shape": [1.5], "data_offsets": [0, 4]}}', b"1234"),
        (b'{"a": {"dtype": "U8", "shape": [4], "data_offsets": [4, 0]}}', b"1234"),
        (
            b'{"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]},'
            b' "b": {"dtype": "U8", "shape": [4], "data_offsets": [2, 6]}}',
            b"123456",
        ),
    ],
)
def test_what_is_no_safetensors_file_is_refused(tmp_path: Path, header: bytes, body: bytes) -> None:
    (tmp_path / "plain").write_bytes(struct.pack("<Q", len(header)) + header + body)
    with pytest.raises(NotPackable, match=r"no .*safetensors file"):
        pack(tmp_path / "plain", tmp_path / "packed")


def packed_by_hand(*records: bytes, stated: int) -> bytes:
    """A packed file with these records, whose end states this size and no digest."""
    return packing.MAGIC + b"".join(records) + struct.pack("<BBQ", 0, 0, stated) + bytes(32)


def zeros(count: int) -> bytes:
    """A record of so many elements of 8 bytes, all of them zero."""
    frames = [zstandard.compress(part) for part in (bytes(-(-count // 8)), *[b""] * 8)]
    lengths = b"".join(struct.pack("<I", len(frame)) for frame in frames)
    return struct.pack("<BBQ", 2, 8, count) + lengths + b"".join(frames)


@pytest.mark.threat
def test_a_record_gives_no_more_than_the_end_of_the_file_states(tmp_path: Path) -> None:
    (tmp_path / "bomb").write_bytes(packed_by_hand(zeros(50), zeros(50), stated=799))
    with pytest.raises(NotPackable, match="a record gives 400 bytes, and 399 are left of those that its end"):
        unpack(tmp_path / "bomb", tmp_path / "out")
    assert (tmp_path / "out").stat().st_size == 400


@pytest.mark.threat
def test_what_the_disk_has_no_room_for_or_nobody_allows_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over all files of a directory, each by what it states and the copied ones by their size."""
    bombs = tmp_path / "bombs"
    (bombs / "deep").mkdir(parents=True)
    (bombs / "one.packed").write_bytes(packed_by_hand(zeros(50), stated=400))
    (bombs / "deep" / "two.packed").write_bytes(packed_by_hand(stated=2**40))
    (bombs / "config.json").write_bytes(b"12345")
    asked: list[Path] = []

    def usage(place: Path) -> SimpleNamespace:
        asked.append(place)
        return SimpleNamespace(free=2**40 + 404)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    failed = pruneserve("unpack", str(bombs), "--output", str(tmp_path / "new" / "out"))
    assert failed.exit_code == Exit.USAGE
    shown = " ".join(failed.output.split())
    assert f"says to give {2**40 + 405} bytes" in shown
    assert f"has {2**40 + 404} left" in shown
    assert asked == [tmp_path]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bombs"]
    allowed = pruneserve("unpack", str(bombs), "--output", str(tmp_path / "out"), "--max-bytes", "1TB")
    assert allowed.exit_code == Exit.USAGE
    assert "--max-bytes allows 1000000000000" in " ".join(allowed.output.split())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bombs"]


@pytest.mark.threat
def test_a_part_is_not_read_that_is_longer_than_its_bytes_can_take(tmp_path: Path) -> None:
    record = struct.pack("<BBQI", 1, 0, 8, 2000) + bytes(2000)
    (tmp_path / "bomb").write_bytes(packed_by_hand(record, stated=8))
    with pytest.raises(NotPackable, match="a part has a length of 2000 bytes, and may have 1032"):
        unpack(tmp_path / "bomb", tmp_path / "out")


@pytest.mark.threat
@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("shape", [3_000_000_000, "a"], "shape of 'w' has 'a', and may have whole numbers from 0 to"),
        ("shape", [10**4000] * 60, r"shape of 'w' has 10+\.\.\.0+, and may have whole numbers from 0 to"),
        ("shape", [10**4000] * 1500, "shape of 'w' has .*, and may have 64 numbers at most"),
        ("shape", [True], "shape of 'w' has True"),
        ("shape", [2**63], f"shape of 'w' has {2**63}, and may have whole numbers from 0 to {2**63 - 1}"),
        ("shape", [-4, -1], "shape of 'w' has -4"),
        ("shape", "4", "shape of 'w' has '4'"),
        ("data_offsets", [0, 5], "data_offsets of 'w' has 5, and may have whole numbers from 0 to 4"),
        ("data_offsets", [0, 2, 4], r"data_offsets of 'w' has \[0, 2, 4\], and may have 2 numbers"),
        ("data_offsets", [3, 1], r"data_offsets of 'w' has \[3, 1\]"),
    ],
)
def test_a_header_is_checked_before_anything_is_computed_with_it(
    tmp_path: Path, field: str, value: object, said: str
) -> None:
    entry = {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]} | {field: value}
    header = json.dumps({"w": entry}).encode()
    (tmp_path / "plain").write_bytes(struct.pack("<Q", len(header)) + header + b"1234")
    tracemalloc.start()
    try:
        with pytest.raises(NotPackable, match=said):
            pack(tmp_path / "plain", tmp_path / "packed")
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


def pruneserve(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["tools", *arguments])


def test_a_directory_is_packed_and_comes_back(tmp_path: Path) -> None:
    model = tmp_path / "model"
    (model / "masks").mkdir(parents=True)
    save_file({"w": np.zeros(100_000)}, model / "model.safetensors")
    save_file({"m": np.ones(10, dtype=np.uint8)}, model / "masks" / "block.safetensors")
    (model / "config.json").write_text("{}")
    before = {path.relative_to(model): path.read_bytes() for path in model.rglob("*.*")}

    done = pruneserve("pack", str(model), "--output", str(tmp_path / "packed"))
    assert done.exit_code == Exit.OK
    assert done.output.startswith("800.")  # kB
    names = sorted(path.name for path in (tmp_path / "packed").rglob("*.*"))
    assert names == ["block.safetensors.packed", "config.json", "model.safetensors.packed"]
    assert (
        pruneserve(
            *("unpack", str(tmp_path / "packed"), "--output", str(tmp_path / "back")),
            *("--max-bytes", "2MB"),
        ).exit_code
        == Exit.OK
    )
    back = tmp_path / "back"
    assert {path.relative_to(back): path.read_bytes() for path in back.rglob("*.*")} == before


def test_a_file_beside_its_packed_form_is_refused_by_name(tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    packed.mkdir()
    save_file({"w": np.zeros(10)}, packed / "model.safetensors")
    pack(packed / "model.safetensors", packed / "model.safetensors.packed")
    failed = pruneserve("unpack", str(packed), "--output", str(tmp_path / "out"))
    assert failed.exit_code == Exit.USAGE
    said = failed.output.replace("\n", "").replace("  ", " ")
    assert "model.safetensors.packed becomes model.safetensors, which is there too" in said
    assert not (tmp_path / "out").exists()


def snapshot(cache: Path) -> Path:
    """A model as the Hub's cache has it: links to blobs, in a folder too."""
    blobs, model = cache / "blobs", cache / "snapshots" / "0123abcd"
    blobs.mkdir(parents=True)
    (model / "deep").mkdir(parents=True)
    save_file({"w": np.zeros(100)}, blobs / "weights")
    (blobs / "config").write_text("{}")
    (model / "model.safetensors").symlink_to("../../blobs/weights")
    (model / "deep" / "config.json").symlink_to("../../../blobs/config")
    (model / "again.json").symlink_to("deep/config.json")
    return model


def test_links_of_the_hubs_cache_are_packed_as_their_files(tmp_path: Path) -> None:
    model = snapshot(tmp_path / "models--org--name")
    packed, back = tmp_path / "packed", tmp_path / "back"
    (tmp_path / "link").symlink_to(model)  # whoever names a link means what is there
    for source, output, way in ((tmp_path / "link", packed, "pack"), (packed, back, "unpack")):
        assert pruneserve(way, str(source), "--output", str(output)).exit_code == Exit.OK
    names = ["model.safetensors", "deep/config.json", "again.json"]
    assert {name: (back / name).read_bytes() for name in names} == {
        name: (model / name).read_bytes() for name in names
    }
    assert not any(path.is_symlink() for path in [*packed.rglob("*"), *back.rglob("*")])


@pytest.mark.threat
@pytest.mark.parametrize("way", ["pack", "unpack"])
@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("../../../secret", "is a link out of the directory"),
        ("../../refs/main", "is a link out of the directory"),
        ("../../blobs/linked", "is a link out of the directory"),
        ("../../../blobs/other", "is a link out of the directory"),
        ("../0123abcd-other/secret", "is a link out of the directory"),
        ("deep", "is a link to a directory"),
        ("nowhere", "is a link to no file"),
        ("link", "is a link to no file"),
    ],
)
def test_a_link_to_what_is_not_of_the_directory_is_refused_by_its_name(
    tmp_path: Path, way: str, target: str, said: str
) -> None:
    cache = tmp_path / "models--org--name"
    model = snapshot(cache)
    for name in ("secret", "blobs/other"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("secret")
    for name in ("refs/main", "snapshots/0123abcd-other/secret"):
        (cache / name).parent.mkdir()
        (cache / name).write_text("secret")
    (cache / "blobs" / "linked").symlink_to(tmp_path / "secret")
    (model / "link").symlink_to(target)
    failed = pruneserve(way, str(model), "--output", str(tmp_path / "out"))
    assert failed.exit_code == Exit.USAGE
    assert f"0123abcd/link {said}" in failed.output.replace("\n", "").replace("  ", " ")
    assert not (tmp_path / "out").exists()


@pytest.mark.threat
def test_a_folder_named_blobs_beside_any_other_directory_is_not_of_it(tmp_path: Path) -> None:
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "secret").write_text("secret")
    (tmp_path / "models" / "mine").mkdir(parents=True)
    (tmp_path / "models" / "mine" / "link").symlink_to("../../blobs/secret")
    failed = pruneserve("pack", str(tmp_path / "models" / "mine"), "--output", str(tmp_path / "out"))
    assert (failed.exit_code, (tmp_path / "out").exists()) == (Exit.USAGE, False)


def test_what_cannot_be_packed_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "wrong.safetensors").write_bytes(b"wrong")
    (tmp_path / "short.packed").write_bytes(packing.MAGIC)
    (tmp_path / "there").mkdir()
    for arguments, message in (
        (
            ["pack", str(tmp_path / "wrong.safetensors"), "--output", str(tmp_path / "out")],
            "no safetensors file",
        ),
        (
            ["unpack", str(tmp_path / "wrong.safetensors"), "--output", str(tmp_path / "out")],
            "not a file that",
        ),
        (
            ["unpack", str(tmp_path / "short.packed"), "--output", str(tmp_path / "out")],
            "ends too early",
        ),
        (["pack", str(tmp_path / "none"), "--output", str(tmp_path / "out")], "there is no"),
        (["pack", str(tmp_path), "--output", str(tmp_path / "there")], "exists already"),
    ):
        failed = pruneserve(*arguments)
        assert (failed.exit_code, message in failed.output) == (Exit.USAGE, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["short.packed", "there", "wrong.safetensors"]
