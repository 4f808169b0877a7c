"""Real servers for tests: PostgreSQL, Valkey and an S3 server, one of each per pytest process.

Each test that uses `database_url` gets a database of its own, and each that uses `broker_url` an empty
broker. The servers are started by the classes that `pruneserve up` uses.
"""

import gc
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT, SIGTERM, default_int_handler, signal
from tempfile import TemporaryDirectory, gettempdir
from typing import Any
from uuid import UUID, uuid4

import hypothesis
import psutil
import psycopg
import pytest
import redis
from sqlalchemy import Engine, text

import migrations
from cli.embedded.postgres import Postgres
from cli.embedded.process import LOOPBACK, EmbeddedServer
from cli.embedded.valkey import Valkey
from jobs.database import Database, engine_from, sessions
from jobs.lifecycle import owner_moves
from jobs.queue import backlog
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.storage.store import Store
from jobs.tables import AuditRecord, Base
from tests import tiers
from tests.stack import Stack, directory_store, environment_of, write_calibration

Submit = Callable[[], UUID]

# Tests run in parallel: one thread each, in this process and in the processes that it starts.
os.environ["OMP_NUM_THREADS"] = "1"

# No test may depend on the user's cache of the Hub, and no worker may write into it.
os.environ["HF_HOME"] = f"{gettempdir()}/pruneserve-tests-no-hub"

# No test fails for being slow on a busy machine: speed belongs in bench/.
hypothesis.settings.register_profile("no-deadline", deadline=None)
hypothesis.settings.load_profile("no-deadline")

# A shell starts background jobs with SIGINT ignored, and every process that a test interrupts would inherit
# that.
signal(SIGINT, default_int_handler)

BUCKET = "artifacts"

_MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of our own is made in it
_PREFIX = "pruneserve-test-"
_SCALE_JOBS = int(os.environ.get("SCALE_JOBS", "0"))
# Bytes: three servers at once grow to some 300 MB each; `make scale` fills one with 5.3 kB a job, and a log.
_ENOUGH_FOR_POSTGRES = (2 << 30) + 8_000 * _SCALE_JOBS

SERVERS = frozenset(
    {"postgres_url", "own_postgres", "valkey", "store_url", "s3", "chromium", "identity_provider"}
)
"""The fixtures that start one."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--nightly", default="none", metavar="none|all|K/N", help=tiers.HELP)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark as slow what asks for a server; what is slow by itself says so in its file.

    Tests of a whole service, which take tens of seconds, come first, so that none is waited for at the end.
    """
    tiers.select(config, items)
    for item in items:
        if isinstance(item, pytest.Function) and SERVERS.intersection(item.fixturenames):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: {"stack", "shared_stack"}.isdisjoint(getattr(item, "fixturenames", ())))


def pytest_collection_finish() -> None:
    """Let no search for garbage walk over what modules hold: with torch, that is a million objects."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Print, as the last line, that tests were skipped because Chromium is missing."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter and not hasattr(config, "workerinput") else []
    # As in tests/browser/chromium.py; only the tests in a browser import Playwright.
    count = sum("no Chromium here" in str(report.longrepr) for report in skipped)
    if count:
        reporter.write_line(
            f"{count} tests did NOT run: they need Chromium. Install it: apt-get install chromium", red=True
        )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    from tests.together import Together  # only here is pytest-xdist needed

    return Together(config, log)


class S3(EmbeddedServer):
    """`rclone serve s3` over a directory, with one bucket."""

    name = "s3"
    stop_signal = SIGTERM

    @property
    def url(self) -> str:
        return f"s3://{BUCKET}/service"

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment that a client of the store needs."""
        return {
            "AWS_ENDPOINT_URL": f"http://{LOOPBACK}:{self.port}",
            "AWS_ACCESS_KEY_ID": "a-test-access-key",
            "AWS_SECRET_ACCESS_KEY": "a-test-secret-key",
        }

    def _prepare(self) -> None:
        (self.directory / "data" / BUCKET).mkdir(parents=True, exist_ok=True)

    def _command(self) -> Sequence[str]:
        credentials = "a-test-access-key,a-test-secret-key"
        rclone = str(Path(sys.executable).parent / "rclone")
        serve = [rclone, "serve", "s3", "--config", "/dev/null", "--addr", f"{LOOPBACK}:{self.port}"]
        return [*serve, "--auth-key", credentials, str(self.directory / "data")]

    def _is_ready(self) -> bool:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment.items():
                patch.setenv(name, value)
            try:
                return Store(self.url).head("nothing") is None
            except Exception:
                return False


@pytest.fixture(autouse=True)
def _safe_path() -> Iterator[None]:
    """A program that a test runs in this process sets PYTHONSAFEPATH, with which children find no `tests`."""
    before = os.environ.get("PYTHONSAFEPATH")
    yield
    if before is None:
        os.environ.pop("PYTHONSAFEPATH", None)


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated database: of a new server, or of the one that TEST_POSTGRES_URL names (`make mutants`)."""
    if running := os.environ.get("TEST_POSTGRES_URL"):
        yield running
        return
    with _with_room(tmp_path_factory.mktemp("postgres")) as directory, Postgres(directory) as server:
        migrations.upgrade(server.url)
        yield server.url


@contextmanager
def _with_room(otherwise: Path) -> Iterator[Path]:
    """A directory in memory, because a database is hundreds of files, and each test makes and drops one.

    On a disk that takes up to ten times as long. A container's /dev/shm may be too small for it, and what is
    in it takes memory from all others. `otherwise` may be there as well.
    """
    _remove_left_behind()
    if _MEMORY.is_dir() and min(_room(_MEMORY), psutil.virtual_memory().available) >= _ENOUGH_FOR_POSTGRES:
        with TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", dir=_MEMORY) as directory:
            yield Path(directory)
        return
    with TemporaryDirectory(prefix=_PREFIX) as elsewhere:
        places = otherwise, Path(elsewhere)
        yield max(places, key=lambda place: min(_room(place), _ENOUGH_FOR_POSTGRES))


def _remove_left_behind() -> None:
    """Remove what killed runs have left in memory: a few of them fill it, and all tests wait for the disk."""
    for directory in _MEMORY.glob(f"{_PREFIX}*-*"):
        process = directory.name.removeprefix(_PREFIX).partition("-")[0]
        if process.isdecimal() and not psutil.pid_exists(int(process)):
            shutil.rmtree(directory, ignore_errors=True)


def _room(directory: Path) -> int:
    return shutil.disk_usage(directory).free


@pytest.fixture
def database_url(postgres_url: str) -> Iterator[str]:
    """A migrated database for this test only."""
    # A copy of the database that was migrated once, which is faster than migrating every time.
    with new_database(postgres_url, template="pruneserve") as url:
        yield url


@pytest.fixture
def empty_database_url(postgres_url: str) -> Iterator[str]:
    """A database without tables."""
    with new_database(postgres_url, template="template1") as url:
        yield url


@contextmanager
def new_database(server_url: str, *, template: str) -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    server, _, _ = server_url.rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY {_strategy()}")
        yield f"{server}/{name}"
        _drop(admin, name)


def _strategy() -> str:
    """How a template is copied: in memory by its files, which takes a fifth less of the processor.

    On a disk, where each of hundreds of files would be waited for, through the log, as is the default.
    """
    return "FILE_COPY" if any(_MEMORY.glob(f"{_PREFIX}{os.getpid()}-*")) else "WAL_LOG"


def _drop(admin: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    for _ in range(100):
        try:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        except psycopg.errors.InsufficientPrivilege:
            # An autovacuum worker, which only a superuser may end, is using the database for a moment.
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"database {name} is still in use")


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def broker_url(valkey: Valkey) -> str:
    """A broker without messages."""
    with redis.Redis.from_url(valkey.url) as client:
        client.flushdb()
    return valkey.url


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with S3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def s3_url(s3: S3, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty prefix in the S3 server, which the environment variables say how to reach."""
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    return f"{s3.url}/{uuid4().hex}"


@pytest.fixture(params=["directory", "s3"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each of the two kinds of store in turn."""
    if request.param == "directory":
        return directory_store(tmp_path)
    url: str = request.getfixturevalue("s3_url")
    return url


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings of a service whose broker cannot be reached."""
    return settings_of(database_url, tmp_path)


def settings_of(database_url: str, directory: Path) -> Settings:
    return Settings(
        DATABASE_URL=database_url,
        BROKER_URL=f"redis://{LOOPBACK}:1/0",
        STORE_URL=directory_store(directory),
        work_dir=directory / "work",
    )


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    engine = engine_from(settings)
    yield engine
    engine.dispose()


@pytest.fixture
def database(engine: Engine) -> Database:
    """Sessions: `with database.begin() as session`."""
    return sessions(engine)


def emptied(engine: Engine) -> Database:
    """Delete every row that other tests have left, but for the audit log, which can only be added to."""
    tables = ", ".join(table for table in Base.metadata.tables if table != AuditRecord.__tablename__)
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {tables}"))
    return sessions(engine)


@pytest.fixture
def spec() -> JobSpec:
    """The smallest valid job."""
    return JobSpec.model_validate({"recipe": {"model": "org/name", "method": "gblm", "sparsity": 0.5}})


@pytest.fixture
def submit(database: Database, spec: JobSpec) -> Submit:
    """Submits a job of the owner `ada`, of which the scheduler could not know what it needs."""

    def create() -> UUID:
        with database.begin() as session:
            job_id = owner_moves.create(session, "ada", spec).id
            backlog.record_needs(session, job_id, None)
            return job_id

    return create


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model to prune. It imports torch into this process."""
    from tests.small_model import write_small_model

    directory = tmp_path_factory.mktemp("models") / "small"
    write_small_model(directory)
    return directory


@pytest.fixture(scope="session")
def calibration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "topics.txt"
    write_calibration(path)
    return path


@pytest.fixture
def stack(
    tmp_path: Path,
    settings: Settings,
    broker_url: str,
    store_url: str,
    database: Database,
    small_model: Path,
    calibration: Path,
) -> Iterator[Stack]:
    """A service none of whose processes runs yet."""
    environment = environment_of(settings, small_model, calibration)
    environment |= {"BROKER_URL": broker_url, "STORE_URL": store_url}
    with Stack(tmp_path / "processes", environment, database, small_model, calibration) as stack:
        yield stack


@pytest.fixture(scope="module")
def shared_stack(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    postgres_url: str,
    valkey: Valkey,
    small_model: Path,
    calibration: Path,
) -> Iterator[Stack]:
    """A service for all tests of a file, which start its processes once: a worker imports torch for seconds.

    Its store is a directory, or where the parameter says so, the S3 server.
    """
    directory = tmp_path_factory.mktemp("service")
    store = {"STORE_URL": directory_store(directory)}
    if getattr(request, "param", "directory") == "s3":
        s3: S3 = request.getfixturevalue("s3")
        store = {"STORE_URL": f"{s3.url}/{uuid4().hex}", **s3.environment}
    with new_database(postgres_url, template="pruneserve") as url:
        settings = Settings(
            DATABASE_URL=url,
            # Not that of single tests: its workers would take the messages of jobs that they do not know.
            BROKER_URL=f"{valkey.url.removesuffix('/0')}/1",
            STORE_URL=store["STORE_URL"],
            work_dir=directory / "work",
        )
        engine = engine_from(settings)
        environment = environment_of(settings, small_model, calibration) | store
        place = directory / "processes"
        with Stack(place, environment, sessions(engine), small_model, calibration) as stack:
            yield stack
        engine.dispose()
