"""A browser window that records what it loads, from where, and every error."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, Request, Response

_SERIOUS = ("serious", "critical")

# What a tool leaves behind where it has set a style and taken it back. htmx copies it to the element that
# replaces such a one, and the policy refuses it by the hash of nothing.
_NO_STYLE = f"sha256-{b64encode(sha256().digest()).decode()}"


class Visitor:
    """Looks at pages, and at what they do."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.context = context
        self.foreign: list[str] = []
        self.complaints: list[str] = []
        self.bytes: int = 0
        self._origin = origin
        self.page: Page = context.new_page()
        context.on("request", self._asked)
        context.on("response", self._answered)
        self._deaf = False
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: said.type == "error" and self._hear(said.text))

    def _hear(self, complaint: str) -> None:
        if not self._deaf and _NO_STYLE not in complaint:
            self.complaints.append(complaint)

    @contextmanager
    def _deaf_to_the_tools(self) -> Iterator[None]:
        """A tool that looks at a page sets styles in it, which the policy refuses: no fault of the page."""
        self._deaf = True
        yield
        # What was said meanwhile is delivered before the answer to this.
        self.page.evaluate("null")
        self._deaf = False

    def screenshot(self, path: Path) -> None:
        """The whole page as a picture."""
        with self._deaf_to_the_tools():
            self.page.screenshot(path=path, full_page=True)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((f"{self._origin}/", "data:")):
            self.foreign.append(request.url)

    def _answered(self, response: Response) -> None:
        # A stream never ends, and its size is not the page's.
        if "event-stream" not in response.headers.get("content-type", "") and response.ok:
            self.bytes += int(response.headers.get("content-length", "0"))

    def barriers(self) -> str:
        """What axe-core finds that keeps somebody from using the page, in its own words."""
        with self._deaf_to_the_tools():
            results = Axe().run(self.page)
        violations = results.response["violations"]
        return "\n".join(
            results.generate_report(found["id"]) for found in violations if found["impact"] in _SERIOUS
        )

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        root = "document.documentElement"
        return max(0, int(self.page.evaluate(f"{root}.scrollWidth - {root}.clientWidth")))

    def load_pictures(self) -> None:
        """Also those that the browser would load when somebody comes near them."""
        pictures = "[...document.images].map((image) => { image.loading = 'eager'; return image.decode(); })"
        self.page.evaluate(f"Promise.all({pictures}).then(() => null)")

    def watch_the_layout(self) -> None:
        """Begin to add up how far what is on the page jumps."""
        self.page.evaluate(
            """(() => { window.shift = 0; new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) { window.shift += entry.value; }
            }).observe({type: "layout-shift"}); })()"""
        )

    def layout_shift(self) -> float:
        """As browsers measure it: the part of the window that moved, times how far."""
        return float(self.page.evaluate("window.shift"))
