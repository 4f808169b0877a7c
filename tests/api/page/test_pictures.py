"""The pictures show what the report says, in both themes, and contain no script."""

import re
from typing import Any
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient

from api.page.pictures.heat_map import layer_map
from api.page.pictures.pictures import Picture, Width, picture
from jobs.lifecycle import lifecycle
from tests.api.drive import Jobs

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "$x$<script>alert(1)</script>&amp;"


def report(**more: object) -> dict[str, Any]:
    layers = [
        {"name": f"model.layers.{block}.{kind}", "block": block, "weights": 100, "sparsity": share}
        for block, shares in enumerate(((0.2, 0.4), (0.6, 0.8), (0.5, 0.3)))
        for kind, share in zip(("self_attn.q_proj", "mlp.up_proj"), shares, strict=True)
    ]
    return {
        "perplexity": {"dense": 26.8, "pruned": 63.1, "dataset": "wikitext2"},
        "sparsity": {"overall": 0.5, "layers": layers},
        "stages": [
            {"name": "gradients", "seconds": 90.0, "peak_memory_bytes": 3_100_000_000},
            {"name": "prune", "seconds": 30.0, "peak_memory_bytes": 2_000_000_000},
        ],
        **more,
    }


def drawn(of: dict[str, Any]) -> Picture:
    shown = picture(of)
    assert shown is not None
    return shown


def parsed(svg: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314 - our own


def shapes(svg: bytes, pattern: str) -> list[re.Match[str]]:
    styles = (element.get("style", "") for element in parsed(svg).iter(f"{SVG}path"))
    return [match for style in styles if (match := re.search(pattern, style))]


def test_each_layer_is_a_cell_and_more_zeros_are_a_stronger_one() -> None:
    of = report()
    svg = drawn(of).draw("wide")
    cells = [float(match[1]) for match in shapes(svg, r"fill-opacity: ([\d.]+)")]
    by_kind = [
        layer["sparsity"]
        for kind in ("q_proj", "up_proj")
        for layer in of["sparsity"]["layers"]
        if kind in layer["name"]
    ]
    # Strongest is full, where SVG needs no opacity.
    strongest = by_kind.index(0.8)
    cells.insert(strongest, 1.0)
    assert len(cells) == len(by_kind)
    assert sorted(range(6), key=cells.__getitem__) == sorted(range(6), key=by_kind.__getitem__)


def even() -> dict[str, Any]:
    """A report whose layers are all as sparse, as far as it is written."""
    of = report()
    for layer in of["sparsity"]["layers"]:
        layer |= {"sparsity": 0.50004, "relative_error": 0.25}
    of["sparsity"]["layers"][0] |= {"sparsity": 0.49996}
    return of


def test_the_sentence_names_the_extremes_and_the_table_has_every_value() -> None:
    shown = drawn(report())
    assert shown.caption == "Zeros: from 20 % in q_proj of block 0 to 80 % in up_proj of block 1."
    assert shown.table.headings == ("Block", "q_proj", "up_proj")
    assert shown.table.rows == [("0", "20 %", "40 %"), ("1", "60 %", "80 %"), ("2", "50 %", "30 %")]


def test_where_all_layers_are_alike_there_is_no_picture() -> None:
    of = even()
    assert picture(of) is None
    of["sparsity"]["layers"] = []  # of a model that was only cut
    assert picture(of) is None
    of = even()
    of["sparsity"]["layers"][0] |= {"sparsity": 0.499}
    assert drawn(of).title == "Sparsity by layer"


def test_errors_come_first_where_the_report_has_any() -> None:
    of = report()
    for layer, error in zip(of["sparsity"]["layers"], (0.1, 0.25, None, 0.3, 0.2, 0.15), strict=True):
        layer["relative_error"] = error
    shown = drawn(of)
    assert shown.caption == (
        "Relative error of the outputs: from 10 % in q_proj of block 0 to 30 % in up_proj of block 1."
    )
    assert shown.table.rows == [("0", "10 %", "25 %"), ("1", "\N{EN DASH}", "30 %"), ("2", "20 %", "15 %")]
    assert len(shapes(shown.draw("wide"), r"fill-opacity: ([\d.]+)")) == 4, "a fifth is full"


def test_each_kind_has_a_row_and_experts_share_a_weighted_cell() -> None:
    def layer(name: str, weights: int, sparsity: float) -> dict[str, Any]:
        return {"name": f"h.0.{name}", "block": 0, "weights": weights, "sparsity": sparsity}

    layers = layer_map(
        [
            layer("attn.c_proj", 4, 0.5),
            layer("mlp.c_proj", 4, 0.25),
            layer("mlp.experts.0.w1", 30, 0.2),
            layer("mlp.experts.1.w1", 10, 0.6),
        ],
        "sparsity",
    )
    assert layers is not None
    assert [layers.label(kind) for kind in layers.kinds] == ["attn.c_proj", "mlp.c_proj", "w1"]
    assert layers.cell(0, "mlp.experts.*.w1") == "30 %"
    assert layer_map([], "sparsity") is None


@pytest.mark.parametrize("width", ["wide", "narrow"])
def test_a_picture_has_both_themes_and_text_that_is_text(width: Width) -> None:
    of = report()
    of["sparsity"]["layers"][0]["name"] = f"model.layers.0.{HOSTILE}"
    svg = drawn(of).draw(width)
    tree = parsed(svg)
    assert not list(tree.iter(f"{SVG}script"))
    assert HOSTILE in [text.text for text in tree.iter(f"{SVG}text")]
    assert b"prefers-color-scheme:dark" in svg
    assert not re.search(rb"#0[1-6]0\d0\d", svg), "a role that has no colour"
    assert svg == drawn(of).draw(width)


def test_pictures_are_served_with_a_policy_of_their_own(client: TestClient, jobs: Jobs) -> None:
    claim = jobs.running()
    jobs.succeed(claim)
    answer = client.get(f"/jobs/{claim.job_id}/picture.svg?narrow=true")
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src")
    assert answer.headers["Content-Encoding"] == "gzip"
    plain = client.get(answer.request.url, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert plain.content == answer.content
    assert client.get(f"/jobs/{claim.job_id}/picture.svg").content != answer.content
    assert client.get(f"/jobs/{jobs.queued()}/picture.svg").status_code == 404


def test_the_page_of_a_job_shows_its_picture_with_its_sentence(client: TestClient, jobs: Jobs) -> None:
    claim = jobs.running()
    jobs.succeed(claim)
    html = client.get(f"/jobs/{claim.job_id}").text
    assert re.findall(r'<img src="([^"]+)"', html) == [f"/jobs/{claim.job_id}/picture.svg"]
    assert 'alt="Zeros: from 40 % in up_proj of block 0 to 60 % in down_proj of block 0."' in html


def test_a_job_whose_layers_are_alike_shows_its_warnings_without_a_picture(
    client: TestClient, jobs: Jobs
) -> None:
    claim = jobs.running()
    with jobs.database.begin() as session:
        assert lifecycle.succeed(session, claim, even() | {"warnings": ["the text is short"]}, [])
    html = client.get(f"/jobs/{claim.job_id}").text
    assert "the text is short" in html
    assert "picture.svg" not in html
    assert client.get(f"/jobs/{claim.job_id}/picture.svg").status_code == 404
