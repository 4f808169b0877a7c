"""The header of gradient norms, read entry by entry, against a parser that reads all of it at once."""

import json
import tracemalloc
from typing import Any

import pytest

from pruning.files.formats import MAX_HEADER_BYTES, InvalidGradientFile, content_bytes

METADATA = {"format": "pruneserve gradient norms 1", "model": 'a "model" ü', "calibration": "windows, {}:"}
TENSORS = {
    f"l{norm}/model.layers.{layer}": {
        "dtype": "F32",
        "shape": [3, layer + 1],
        "data_offsets": [0, 0],
    }
    for norm in (1, 2)
    for layer in range(5)
}


def header(**layout: Any) -> str:
    """Write a header, its tensors one after the other."""
    end, placed = 0, {}
    for name, tensor in TENSORS.items():
        size = 4 * tensor["shape"][0] * tensor["shape"][1]  # type: ignore[operator, index]
        placed[name] = tensor | {"data_offsets": [end, end + size]}
        end += size
    return json.dumps({"__metadata__": METADATA} | placed, **layout)


# 2 norms of 3 x 1 to 3 x 5 values of 4 bytes.
BYTES = 2 * 4 * 3 * (1 + 2 + 3 + 4 + 5)


@pytest.mark.parametrize(
    "layout", [{}, {"separators": (",", ":")}, {"indent": "\t"}, {"ensure_ascii": False}]
)
@pytest.mark.parametrize("around", ["", " \n\t\r  "])
def test_every_layout_of_json_is_read(layout: dict[str, Any], around: str) -> None:
    assert content_bytes(f"{around}{header(**layout)}{around}".encode()) == BYTES


@pytest.mark.parametrize("put", ["", ",", "}", '"', "0"])
def test_what_is_no_json_is_refused_wherever_it_is_broken(put: str) -> None:
    whole, broken = header(), 0
    for place in range(len(whole)):
        changed = whole[:place] + put + whole[place + 1 :]
        try:
            json.loads(changed)
        except ValueError:
            broken += 1
            with pytest.raises(InvalidGradientFile):
                content_bytes(changed.encode())
    assert broken > 100


def test_a_norm_that_is_named_twice_is_refused() -> None:
    twice = json.loads(header())
    name = "l1/model.layers.0"
    again = header()[:-1] + f', "{name}": {json.dumps(twice[name])}' + "}"
    with pytest.raises(InvalidGradientFile, match="twice"):
        content_bytes(again.encode())


@pytest.mark.threat
@pytest.mark.parametrize("filler", ["[],", "{},", '{"":0},'])
@pytest.mark.parametrize("start", ['{"a": [', '{"__metadata__": {"a": ['])
def test_a_header_of_megabytes_is_not_parsed_at_once(filler: str, start: str) -> None:
    hostile = (start + filler * ((MAX_HEADER_BYTES - 100) // len(filler))).encode()
    tracemalloc.start()
    try:
        with pytest.raises(InvalidGradientFile, match="entry of more than 16384 characters"):
            content_bytes(hostile)
        assert tracemalloc.get_traced_memory()[1] < 3 * MAX_HEADER_BYTES
    finally:
        tracemalloc.stop()
