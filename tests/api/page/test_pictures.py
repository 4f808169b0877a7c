"""The pictures show what the report says, in both themes, and contain no script."""

import re
from typing import Any
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient

from api.page.pictures.layer_map import layer_map
from api.page.pictures.pictures import Picture, Width, pictures
from tests.api.drive import Jobs

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "/srv/data/$x$<script>alert(1)</script>&amp;.txt"


def report(**more: object) -> dict[str, Any]:
    layers = [
        {"name": f"model.layers.{block}.{kind}", "block": block, "weights": 100, "sparsity": share}
        for block, shares in enumerate(((0.2, 0.4), (0.6, 0.8), (0.5, 0.3)))
        for kind, share in zip(("self_attn.q_proj", "mlp.up_proj"), shares, strict=True)
    ]
    return {
        "perplexity": {"dense": 26.8, "pruned": 63.1, "dataset": "wikitext2"},
        "sparsity": {"layers": layers},
        "stages": [
            {"name": "gradients", "seconds": 90.0, "peak_memory_bytes": 3_100_000_000},
            {"name": "prune", "seconds": 30.0, "peak_memory_bytes": 2_000_000_000},
        ],
        **more,
    }


def picture(name: str, of: dict[str, Any]) -> Picture:
    return next(picture for picture in pictures(of) if picture.name == name)


def parsed(svg: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314 - our own


def shapes(svg: bytes, pattern: str) -> list[re.Match[str]]:
    styles = (element.get("style", "") for element in parsed(svg).iter(f"{SVG}path"))
    return [match for style in styles if (match := re.search(pattern, style))]


def test_each_layer_is_a_cell_and_more_zeros_are_a_stronger_one() -> None:
    of = report()
    svg = picture("sparsity", of).draw("wide")
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


def test_under_the_pointer_each_cell_says_its_value_where_it_is_drawn() -> None:
    of = report()
    shown = picture("sparsity", of)
    drawn = [
        [(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", path.get("d", ""))]
        for path in parsed(shown.draw("wide")).iter(f"{SVG}path")
        if "fill" in path.get("style", "") and path.get("d", "").count("L") == 3
    ]
    centres = [tuple(sum(axis) / len(corners) for axis in zip(*corners, strict=True)) for corners in drawn]
    said = []
    for x, y in centres:
        (cell,) = [
            cell
            for cell in shown.cells
            if cell.x <= x <= cell.x + cell.width and cell.y <= y <= cell.y + cell.height
        ]
        said.append(cell.text)
    layers = of["sparsity"]["layers"]
    expected = {
        f"Block {layer['block']}, {layer['name'].rpartition('.')[2]}: {100 * layer['sparsity']:.0f} %"
        for layer in layers
    }
    assert len(said) == len(layers) == len(shown.cells)
    assert set(said) == expected
    for each in ("perplexity", "stages"):
        assert not picture(each, of).cells


def test_a_large_map_has_its_values_in_the_table_alone() -> None:
    def layers(blocks: int) -> list[dict[str, Any]]:
        return [
            {
                "name": f"model.layers.{block}.mlp.{kind}",
                "block": block,
                "weights": 1,
                "sparsity": block / 400,
            }
            for block in range(blocks)
            for kind in ("up", "down")
        ]

    full, beyond = (picture("sparsity", report(sparsity={"layers": layers(blocks)})) for blocks in (300, 301))
    assert len(full.cells) == 600
    assert not beyond.cells
    assert len(beyond.table.rows) == 301


def test_the_sentence_names_the_extremes_and_the_table_has_every_value() -> None:
    shown = picture("sparsity", report())
    assert shown.finding == "Zeros: from 20 % in q_proj of block 0 to 80 % in up_proj of block 1."
    assert shown.table.headings == ("Block", "q_proj", "up_proj")
    assert shown.table.rows == [("0", "20 %", "40 %"), ("1", "60 %", "80 %"), ("2", "50 %", "30 %")]
    assert picture("perplexity", report()).finding == "Perplexity went from 26.80 to 63.10, +135.4 %."
    assert picture("stages", report()).finding == (
        "The stage gradients took longest: 1 min 30 s, 75 % of the time."
    )


def test_a_map_of_one_value_is_left_out() -> None:
    of = report()
    for layer in of["sparsity"]["layers"]:
        layer |= {"sparsity": 0.50004, "relative_error": 0.25}
    of["sparsity"]["layers"][0] |= {"sparsity": 0.49996}
    assert [shown.name for shown in pictures(of)] == ["perplexity", "stages"]
    of["sparsity"]["layers"][0] |= {"sparsity": 0.499}
    assert [shown.name for shown in pictures(of)] == ["perplexity", "stages", "sparsity"]


def recovery(*held_out: float, kept: int) -> dict[str, Any]:
    curve = [
        {"step": 4 * number, "tokens": 512 * number, "training_loss": loss + 0.1 if number else None}
        | {"held_out_loss": loss}
        for number, loss in enumerate(held_out)
    ]
    return {"is_trained": kept > 0, "distil": {"curve": curve, "kept_step": kept}}


def test_a_training_is_a_curve_with_the_step_that_was_kept() -> None:
    assert "recovery" not in [shown.name for shown in pictures(report(recovery=None))]
    shown = picture("recovery", report(recovery=recovery(0.9, 0.7, 0.6, 0.65, kept=8)))
    assert shown.finding == ("The loss on held-out text went from 0.9000 to 0.6000, \N{MINUS SIGN}33.3 %.")
    assert shown.table.rows == [
        ("0", "\N{EN DASH}", "0.9000"),
        ("512", "0.8000", "0.7000"),
        ("1,024", "0.7000", "0.6000, kept"),
        ("1,536", "0.7500", "0.6500"),
    ]
    for width in ("wide", "narrow"):
        svg = shown.draw(width)
        texts = "".join(element.text or "" for element in parsed(svg).iter(f"{SVG}text"))
        assert "kept" in texts
        assert "tokens" in texts
        assert b"<script" not in svg


def test_a_training_that_improved_nothing_says_so() -> None:
    shown = picture("recovery", report(recovery=recovery(0.6, 0.7, kept=0)))
    assert shown.finding.startswith("No step improved")
    assert shown.table.rows[0] == ("0", "\N{EN DASH}", "0.6000, kept")


def test_errors_are_a_map_of_their_own_where_the_report_has_any() -> None:
    of = report()
    assert [shown.name for shown in pictures(of)] == ["perplexity", "stages", "sparsity"]
    for layer, error in zip(of["sparsity"]["layers"], (0.1, 0.25, None, 0.3, 0.2, 0.15), strict=True):
        layer["relative_error"] = error
    shown = picture("error", of)
    assert shown.finding == (
        "Relative error of the outputs: from 10 % in q_proj of block 0 to 30 % in up_proj of block 1."
    )
    assert shown.table.rows == [("0", "10 %", "25 %"), ("1", "\N{EN DASH}", "30 %"), ("2", "20 %", "15 %")]
    assert len(shapes(shown.draw("wide"), r"fill-opacity: ([\d.]+)")) == 4, "a fifth is full"


def test_kinds_have_rows_of_their_own_and_experts_share_a_weighted_cell() -> None:
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


def test_a_perplexity_that_is_not_finite_is_said_and_not_drawn() -> None:
    shown = picture("perplexity", report(perplexity={"dense": 26.8, "pruned": None, "dataset": "c4"}))
    assert b"not finite" in shown.draw("narrow")


@pytest.mark.parametrize("width", ["wide", "narrow"])
def test_a_picture_has_both_themes_and_text_that_is_text(width: Width) -> None:
    of = report(
        perplexity={"dense": 26.8, "pruned": 63.1, "dataset": "c4"},
        further_perplexities=[{"dense": 1.0, "pruned": 2.0, "dataset": HOSTILE}],
    )
    for shown in pictures(of):
        svg = shown.draw(width)
        tree = parsed(svg)
        assert not list(tree.iter(f"{SVG}script"))
        assert b"prefers-color-scheme:dark" in svg
        assert not re.search(rb"#0[1-6]0\d0\d", svg), "a role that has no colour"
        assert svg == shown.draw(width)
    texts = parsed(picture("perplexity", of).draw(width)).iter(f"{SVG}text")
    assert "script>&amp;.txt, dense" in [text.text for text in texts]


def test_pictures_are_served_to_their_owner_alone_with_a_policy_of_their_own(
    client: TestClient, jobs: Jobs
) -> None:
    mine, theirs = jobs.running(), jobs.running("eve")
    for claim in (mine, theirs):
        jobs.succeed(claim)
    answer = client.get(f"/jobs/{mine.job_id}/plots/sparsity.svg?narrow=true")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src")
    plain = client.get(f"/jobs/{mine.job_id}/plots/sparsity.svg?narrow=true", headers={"Accept-Encoding": ""})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert plain.content == answer.content
    refused = [
        f"/jobs/{theirs.job_id}/plots/sparsity.svg",
        f"/jobs/{jobs.queued()}/plots/sparsity.svg",
        f"/jobs/{mine.job_id}/plots/error.svg",
    ]
    assert [client.get(path).status_code for path in refused] == [404] * 3


def test_the_page_of_a_job_shows_each_picture_with_its_sentence(client: TestClient, jobs: Jobs) -> None:
    claim = jobs.running()
    jobs.succeed(claim)
    html = client.get(f"/jobs/{claim.job_id}").text
    assert re.findall(r'<img src="([^"]+)"', html) == [
        f"/jobs/{claim.job_id}/plots/{name}.svg" for name in ("perplexity", "sparsity")
    ]
    assert 'alt="Zeros: from 40 % in up_proj of block 0 to 60 % in down_proj of block 0."' in html
