"""`pruneserve up`: run the whole service on one machine until it is stopped."""

import fcntl
import importlib.util
import os
import pwd
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import Fernet
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

import migrations
from cli.data_directory import DataDirectory
from cli.embedded.postgres import APP_ROLE, Postgres
from cli.embedded.process import EmbeddedError, print_line
from cli.embedded.services import Api, Service, Worker
from cli.embedded.supervisor import Supervisor, interrupt, on_signals
from cli.embedded.valkey import Valkey
from cli.embedded.watch import WorkerWatch, watch_workers
from cli.terminal import CommandFailed, Exit, err
from jobs.access import api_keys, audit, page_sessions
from jobs.access.audit import Action
from jobs.database import in_one_line, sqlalchemy_url
from jobs.secret_files import WrongSettings, close_to_others, forget_secrets, read_secret, write_secret
from jobs.settings import read_settings

OWNER = "local"


def sign_in_token(database_url: str, key_file: Path) -> str:
    """Return a token for one sign-in with the API key in `key_file`, which is created if it has none."""
    engine = create_engine(sqlalchemy_url(database_url), hide_parameters=True)
    try:
        with Session(engine) as session, session.begin():
            while (principal := api_keys.authenticate(session, _read_key(key_file))) is None:
                row, key = api_keys.create(session, OWNER, "pruneserve up")
                audit.record_of_operator(session, Action.KEY_CREATED, f"key {row.id}", OWNER)
                write_secret(key_file, key)
            return page_sessions.create_link(session, principal.key_id)
    finally:
        engine.dispose()


def secret_key(key_file: Path) -> str:
    """Return the key that encrypts secrets in the database, created if there is none."""
    if not _read_key(key_file):
        write_secret(key_file, Fernet.generate_key().decode())
    return _read_key(key_file)


def _read_key(file: Path) -> str:
    return file.read_text(encoding="ascii").strip() if file.exists() else ""


_SELF_TEST_SECONDS = 60.0
"""How long `up` waits for the worker's self-test before it prints how to reach the service all the same."""


def run(data: DataDirectory, *, port: int, roots: Sequence[Path]) -> None:
    """Start all processes in order, keep them running, and stop them in the reverse order on a signal."""
    supervisor = Supervisor()
    try:
        _require_torch()
        _warn_root()
        data.create()
        with _locked(data), on_signals(interrupt):
            try:
                started = _start(supervisor, data, port, roots)
                with watch_workers(started.database_url, started.worker) as workers:
                    print_line("waiting for the worker's self-test")
                    supervisor.watch(until=workers.reported, seconds=_SELF_TEST_SECONDS)
                    _announce(started, workers, data, roots)
                    supervisor.watch()
            except KeyboardInterrupt:
                print_line("stopping; press Ctrl-C again to stop at once")
            finally:
                data.address.unlink(missing_ok=True)
                supervisor.stop()
    except (EmbeddedError, WrongSettings, migrations.UnsupportedDatabase) as error:
        raise CommandFailed(str(error), Exit.FAILED) from error
    except OSError as error:
        raise CommandFailed(_with_owner(error), Exit.FAILED) from error
    except SQLAlchemyError as error:
        said = f"the database refuses: {in_one_line(error)}; its log is {data.postgres}/postgres.log"
        raise CommandFailed(said, Exit.FAILED) from error


@dataclass(frozen=True, slots=True)
class _Started:
    url: str
    token: str
    worker: Worker
    database_url: str


def _start(supervisor: Supervisor, data: DataDirectory, port: int, roots: Sequence[Path]) -> _Started:
    hub_token = read_secret("PRUNESERVE_HUB_TOKEN")
    client_secret = read_secret("PRUNESERVE_OIDC_CLIENT_SECRET")
    forget_secrets()
    close_to_others()
    settings = {
        "STORE_URL": data.store.as_uri(),
        "PRUNESERVE_WORK_DIR": str(data.work),
        "PRUNESERVE_MODEL_ROOTS": _joined("PRUNESERVE_MODEL_ROOTS", data.models, *roots),
        "PRUNESERVE_DATA_ROOTS": _joined("PRUNESERVE_DATA_ROOTS", data.models, *roots),
    }
    # What would end each process again and again, before minutes are spent on a database.
    read_settings(STORE_URL=settings["STORE_URL"], DATABASE_URL="postgresql://127.0.0.1/pruneserve")
    Api(data.root / "api", port, settings).check_port()
    postgres, valkey = Postgres(data.postgres), Valkey(data.valkey)
    supervisor.start(postgres)
    supervisor.start(valkey)
    migrations.upgrade(postgres.url, app_role=APP_ROLE)

    # Each process gets only the secrets that it needs: the worker opens untrusted files.
    database, broker = {"DATABASE_URL": postgres.app_url}, {"BROKER_URL": valkey.url}
    keys = {"PRUNESERVE_SECRET_KEYS": secret_key(data.secret_key)}
    hub = {"PRUNESERVE_HUB_TOKEN": hub_token} if hub_token else {}
    sign_in = {"PRUNESERVE_OIDC_CLIENT_SECRET": client_secret} if client_secret else {}
    api = Api(data.root / "api", port, settings | _metrics(0), database | keys | hub | sign_in)
    supervisor.start(api)
    scheduler = Service(
        "scheduler",
        data.root / "scheduler",
        ["scheduler"],
        settings | _metrics(1),
        database | broker | keys | hub,
    )
    supervisor.start(scheduler)
    worker = Worker(data.root / "worker", settings | _metrics(2), database | broker | hub)
    supervisor.start(worker)

    token = sign_in_token(postgres.app_url, data.api_key)
    data.address.write_text(f"{api.url}\n", encoding="ascii")
    return _Started(api.url, token, worker, postgres.app_url)


def _announce(started: _Started, workers: WorkerWatch, data: DataDirectory, roots: Sequence[Path]) -> None:
    """Print how to reach the service, and whether jobs would run."""
    if workers.takes_jobs:
        state = "PruneServe is ready."
    elif workers.reported.is_set():
        state = "PruneServe is up, but its worker takes no jobs, as said above: they wait until it does."
    else:
        state = (
            f"PruneServe is up, but its worker has not passed its self-test within {_SELF_TEST_SECONDS:g} s: "
            f"jobs wait until it has (log: {started.worker.log})."
        )
    print_line(
        f"{state}\n"
        f"  page    {started.url}/sign-in?token={started.token}  (works once, within an hour)\n"
        f"  API     {started.url}  (key: {data.api_key})\n"
        f"  models  {', '.join(str(root.absolute()) for root in (data.models, *roots))}\n"
        f"  logs    {data.root}/*/*.log\n"
        "Ctrl-C stops it.\n"
    )


def _require_torch() -> None:
    """Without torch the worker would crash repeatedly, with the reason only in its log."""
    if importlib.util.find_spec("torch") is None:
        raise EmbeddedError(
            "the worker needs torch: in a checkout, pip install '.[torch,embedded]'; with a wheel, "
            "pip install './pruneserve-….whl[torch,embedded]'"
        )


def _warn_root() -> None:
    if os.geteuid() == 0:
        err.print(
            "warning: running as root, so a flaw in a parser of untrusted models would expose this "
            "whole machine. Make a user for the service (useradd --system --create-home pruneserve), start "
            "it as that user (runuser -u pruneserve -- pruneserve up), with a data directory of its own."
        )


def _with_owner(error: OSError) -> str:
    """Describe an error of the operating system and, for missing permissions, the owner of the file."""
    if not isinstance(error, PermissionError) or error.filename is None:
        return str(error)
    try:
        owner = _user(os.lstat(error.filename).st_uid)
    except OSError:
        return str(error)
    return f"{error}; it belongs to user {owner}, and this is user {_user(os.geteuid())}"


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


@contextmanager
def _locked(data: DataDirectory) -> Iterator[None]:
    """Hold the lock of the data directory, in which only one `up` may run."""
    with data.lock.open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise EmbeddedError(
                f"another `pruneserve up` (process {lock.read()}) uses {data.root}; stop it, or choose "
                "another directory with --data"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _joined(variable: str, *roots: Path) -> str:
    """Return the value of a setting: the roots that the environment names, then the given ones."""
    paths = [
        *filter(None, os.environ.get(variable, "").split(":")),
        *(str(root.absolute()) for root in roots),
    ]
    return ":".join(paths)


def _metrics(offset: int) -> dict[str, str]:
    """Return where a process serves its metrics: at a port of its own, `offset` above the configured one."""
    host, _, port = os.environ.get("PRUNESERVE_METRICS_ADDRESS", "").rpartition(":")
    return {"PRUNESERVE_METRICS_ADDRESS": f"{host}:{int(port) + offset}"} if port.isdecimal() else {}
