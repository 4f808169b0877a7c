"""A real browser over the real API."""

from collections.abc import Callable, Iterator, Sequence

import pytest
from playwright.sync_api import Browser
from sqlalchemy import Engine

from cli.embedded.process import free_port
from cli.embedded.services import Api
from jobs.access import api_keys, page_sessions
from jobs.database import Database
from jobs.settings import Settings
from tests.api.drive import Jobs
from tests.browser.chromium import launched
from tests.browser.visitor import Visitor
from tests.conftest import emptied, new_database, settings_of


# Not for the session: Playwright keeps an event loop running in this thread, and other tests run their own.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


# An API takes seconds to start. Those of a file share one, and its database, which is emptied for each.
@pytest.fixture(scope="module")
def settings(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    directory = tmp_path_factory.mktemp("service")
    with new_database(postgres_url, template="pruneserve") as url:
        yield settings_of(url, directory).model_copy(update={"model_roots": (directory / "models",)})


@pytest.fixture
def database(engine: Engine) -> Database:
    return emptied(engine)


@pytest.fixture(scope="module")
def api_address(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where an API without a worker answers."""
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "BROKER_URL": settings.broker_url.get_secret_value(),
        "STORE_URL": settings.store_url,
        "PRUNESERVE_MODEL_ROOTS": str(settings.model_roots[0]),
    }
    with Api(tmp_path_factory.mktemp("api"), free_port(), environment) as api:
        yield api.url


@pytest.fixture
def address(api_address: str) -> str:
    """What the visitors of a test look at."""
    return api_address


@pytest.fixture
def sign_in_link(database: Database) -> Callable[..., str]:
    """Makes the path of a link that signs in once."""

    def make(owner: str = "ada", scopes: Sequence[str] = api_keys.SCOPES) -> str:
        with database.begin() as session:
            principal = api_keys.authenticate(session, api_keys.create(session, owner, "browser", scopes)[1])
            assert principal is not None
            return f"/sign-in?token={page_sessions.create_link(session, principal.key_id)}"

    return make


@pytest.fixture
def visit(
    chromium: Browser, address: str, sign_in_link: Callable[..., str]
) -> Iterator[Callable[..., Visitor]]:
    """Opens a browser window that is signed in; at the end no page may have complained of anything."""
    visitors: list[Visitor] = []

    def open_window(*, signed_in: bool = True, owner: str = "ada", **options: object) -> Visitor:
        visitor = Visitor(chromium.new_context(base_url=address, **options), address)  # type: ignore[arg-type]
        visitors.append(visitor)
        if signed_in:
            visitor.page.goto(sign_in_link(owner))
        return visitor

    yield open_window
    for visitor in visitors:
        visitor.context.close()
    assert [complaint for visitor in visitors for complaint in visitor.complaints] == []
    assert {url for visitor in visitors for url in visitor.foreign} == set()


@pytest.fixture
def jobs(database: Database) -> Jobs:
    return Jobs(database)
