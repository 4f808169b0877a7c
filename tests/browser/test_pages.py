"""Every page on a desktop and on a phone, in the light and the dark theme: accessible, small, self-contained.

Screenshots are kept in `.screens`.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from jobs import zoo
from jobs.database import Database
from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.settings import Settings
from jobs.storage.store import Store, attempt_prefix
from tests.api.drive import Jobs
from tests.browser.exhibits import file_search, gallery, report, search, smaller, succeeded
from tests.browser.visitor import Visitor
from tests.tiers import nightly

SCREENS = Path(__file__).parents[2] / ".screens"
MOST_BYTES = 300_000
PATIENCE = 60_000.0  # milliseconds
WINDOWS = {"wide": {"width": 1280, "height": 900}, "narrow": {"width": 360, "height": 740}}


@pytest.mark.parametrize(
    ("window", "scheme"),
    [
        ("narrow", "dark"),
        *(nightly(*screen) for screen in (("wide", "light"), ("wide", "dark"), ("narrow", "light"))),
    ],
)
def test_every_page_is_accessible_small_and_loads_from_this_service_only(
    visit: Callable[..., Visitor], database: Database, window: str, scheme: str
) -> None:
    shown = gallery(database)
    found, searching = search(database, rounds=6), search(database, rounds=3)
    of_files = file_search(database)
    with database.begin() as session:
        promoted = zoo.promote(session, "ada", shown["succeeded"], "The best that 50 % gives at this size.")
        assert promoted is not None
        slug = promoted[0].slug
        assert zoo.promote(session, "ada", shown["cut"], "A quarter of the channels less.") is not None
    chosen = "".join(f"&job={job_id}" for job_id in shown.values())
    visitor = visit(viewport=WINDOWS[window], color_scheme=scheme)
    paths = {
        "jobs": "/jobs",
        "none": "/jobs?search=nothing-is-called-so",
        "compare": f"/compare?{chosen[1:]}",
        "new": "/jobs/new",
        "again": f"/jobs/new?like={shown['failed']}",
        "export-again": f"/jobs/new?like={shown['exported']}",
        "sweeps": "/sweeps",
        "search": f"/sweeps/{searching}",
        "search-ended": f"/sweeps/{found}",
        "search-files": f"/sweeps/{of_files}",
        "zoo": "/zoo",
        "settings": "/settings",
        "entry": f"/zoo/{slug}",
        **{
            state: f"/jobs/{shown[state]}"
            for state in ("queued", "running", "succeeded", "cut", "exported", "missed", "failed")
        },
        "refused": "/jobs/00000000-0000-0000-0000-000000000000",
        "nowhere": "/jobs/nothere",
    }
    barriers = {}
    SCREENS.mkdir(exist_ok=True)
    for name, path in paths.items():
        visitor.bytes = 0
        answer = visitor.page.goto(path, wait_until="load")
        assert answer is not None
        visitor.load_pictures()
        visitor.screenshot(SCREENS / f"{name}-{window}-{scheme}.png")
        assert visitor.overflow() == 0, name
        assert visitor.bytes < MOST_BYTES, name
        if found := visitor.barriers():
            barriers[name] = found
    # Chromium itself complains of the answer 404, as it should.
    visitor.complaints = [said for said in visitor.complaints if "404" not in said]
    assert barriers == {}


@pytest.mark.parametrize("window", [nightly("wide"), "narrow"])
def test_an_arriving_result_moves_nothing(visit: Callable[..., Visitor], jobs: Jobs, window: str) -> None:
    visitor, claim = visit(viewport=WINDOWS[window]), jobs.running()
    visitor.page.goto(f"/jobs/{claim.job_id}", wait_until="load")
    visitor.watch_the_layout()
    jobs.succeed(claim)
    expect(visitor.page.locator(".badge.succeeded")).to_be_visible(timeout=60_000)
    expect(visitor.page.locator(".result")).to_be_attached()
    assert visitor.layout_shift() < 0.01
    visitor.page.get_by_text("Show the result").click()
    followed = visitor.page.get_by_role("heading").all_inner_texts()
    visitor.page.reload(wait_until="load")
    assert visitor.page.get_by_role("heading").all_inner_texts() == followed
    assert "Result" in followed


@pytest.mark.parametrize("width", [1280, nightly(1000), nightly(800), 360])
def test_figures_fit_their_cards_and_details_follow_in_two_screens(
    visit: Callable[..., Visitor], database: Database, width: int
) -> None:
    both = smaller(384, 1, 48663.37801129717)
    both["sparsity"] = report(0.5, 17.5, 30.0)["sparsity"]
    structure = {"mlp_channels": 0.25, "kv_heads": 1}
    gate = {"max_perplexity": 40.0, "max_perplexity_increase": 0.5, "max_bytes": 250_000_000, "max_kl": 0.1}
    shown = [
        succeeded(database, smaller(384, 1, 24.6), method=None, sparsity=0, structure=structure, gate=gate),
        succeeded(database, both, structure=structure, gate=gate, name="a cut and a mask " * 5),
        succeeded(database, report(0.5, 17.5, 25.1, spread=0.08), gate=gate),
    ]
    page = visit(viewport={"width": width, "height": 800}).page
    for job_id in shown:
        page.goto(f"/jobs/{job_id}", wait_until="load")
        card = page.locator(".figures").bounding_box()
        assert card is not None
        for place in page.evaluate(
            """[...document.querySelectorAll(".figures *")].map((one) => {
                const range = document.createRange();
                range.selectNodeContents(one);
                const { left, right, top, bottom } = range.getBoundingClientRect();
                return [left, right, top, bottom];
            })"""
        ):
            assert card["x"] <= place[0] <= place[1] <= card["x"] + card["width"]
            assert card["y"] <= place[2] <= place[3] <= card["y"] + card["height"]
        if width == 360:  # every row of figures is full
            last = page.locator(".figures > div").last.bounding_box()
            assert last is not None
            assert last["x"] + last["width"] >= card["x"] + card["width"] - 2
        assert "48663.37" not in page.content()
        if width == 1280:
            details = page.locator("#details").bounding_box()
            assert details is not None
            assert details["y"] <= 2 * 800


def test_a_file_that_is_kept_compressed_is_saved_as_it_was(
    visit: Callable[..., Visitor], jobs: Jobs, settings: Settings, tmp_path: Path
) -> None:
    plain = b"".join(os.urandom(7) + bytes(9) for _ in range(600_000))  # more than two frames
    (tmp_path / "file").write_bytes(plain)
    claim = jobs.running()
    key = f"{attempt_prefix(claim.job_id, 1)}/file"
    stored = Store(settings.store_url).put_file(key, tmp_path / "file", compress=True)
    artifact = FinishedArtifact(
        "model.safetensors", stored.key, stored.size, stored.sha256, stored.stored_size
    )
    jobs.succeed(claim, [artifact])
    visitor = visit()
    visitor.page.goto(f"/jobs/{claim.job_id}")
    visitor.page.locator("#each-file").click()
    link = visitor.page.get_by_role("link", name="model.safetensors")
    with visitor.page.expect_download() as download:
        link.click()
    assert Path(download.value.path()).read_bytes() == plain
    fetched = """async (url) => {
        const answer = await fetch(url);
        return [answer.headers.get("content-encoding"), (await answer.arrayBuffer()).byteLength];
    }"""
    assert visitor.page.evaluate(fetched, link.get_attribute("href")) == ["zstd", len(plain)]
