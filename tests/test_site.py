"""The documentation site: built without a warning, whole, and without anything from another host."""

import os
import re
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import launched

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).parents[1]
LOADING = {
    "script": "src",
    "link": "href",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
}


class Loads(HTMLParser):
    """Collects what a page makes a browser load."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if address := dict(attrs).get(LOADING.get(tag, "")):
            self.addresses.append(address)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("site")
    build = [Path(sys.executable).parent / "mkdocs", "build", "--strict", "--quiet", "--site-dir", directory]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(build, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return directory


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 5
    for page in pages:
        loads = Loads()
        loads.feed(page.read_text())
        assert loads.addresses
        elsewhere = [address for address in loads.addresses if address.startswith(("http:", "https:", "//"))]
        assert not elsewhere, page


def test_no_style_sheet_loads_anything_from_another_host(site: Path) -> None:
    for sheet in site.rglob("*.css"):
        loads = re.findall(r"""(?:@import|url\()\s*["']?(?:https?:)?//""", sheet.read_text())
        assert not loads, sheet


def test_the_reference_has_the_library(site: Path) -> None:
    library = (site / "reference" / "library.html").read_text()
    assert "pruning.prune" in library
    assert "pruning.Recipe" in library


def test_every_page_names_the_version(site: Path) -> None:
    version = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"]
    pages = [page.read_text() for page in site.rglob("*.html") if page.name != "404.html"]
    assert all(f"PruneServe {version}" in page for page in pages)


@pytest.mark.nightly
def test_the_search_finds_a_page_when_the_site_is_read_from_the_disk(site: Path) -> None:
    with launched() as browser:
        page = browser.new_page()
        page.goto((site / "index.html").as_uri())
        page.get_by_placeholder("Search").first.fill("quarantine")
        expect(page.locator(".md-search-result__link").first).to_be_visible(timeout=30_000)
        found = page.locator(".md-search-result__link").evaluate_all(
            "(links) => links.map((link) => link.href)"
        )
    assert any("runbook.html" in address for address in found), found
