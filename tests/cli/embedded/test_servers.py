"""The embedded PostgreSQL and Valkey: locked, alone in a directory, gone with their owner, data kept."""

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

import migrations
from cli.embedded.postgres import APP_ROLE, Postgres
from cli.embedded.process import LOOPBACK, EmbeddedError, EmbeddedServer
from cli.embedded.valkey import Valkey

pytestmark = pytest.mark.slow

SERVERS = pytest.mark.parametrize("kind", [Postgres, Valkey])


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with Postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(params=["postgres", "valkey"])
def server(request: pytest.FixtureRequest) -> EmbeddedServer:
    """One that several tests look at, and leave as it is."""
    server: EmbeddedServer = request.getfixturevalue(request.param)
    return server


def remember(server: EmbeddedServer) -> None:
    if isinstance(server, Postgres):
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE memory AS SELECT 'kept' AS word")
    else:
        with redis.Redis.from_url(server.url) as client:
            client.set("memory", "kept")


def recall(server: EmbeddedServer) -> str:
    if isinstance(server, Postgres):
        with psycopg.connect(server.url) as connection:
            row = connection.execute("SELECT word FROM memory").fetchone()
            return str(row and row[0])
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        return str(client.get("memory"))


@SERVERS
def test_the_port_is_kept_unless_another_program_has_taken_it(
    kind: type[EmbeddedServer], tmp_path: Path
) -> None:
    with kind(tmp_path) as first:
        port = first.port
    with kind(tmp_path) as second:
        assert second.port == port
    with socket.create_server((LOOPBACK, port)), kind(tmp_path) as third:
        assert third.port != port
        moved_to = third.port
    with kind(tmp_path) as fourth:
        assert fourth.port == moved_to


@SERVERS
def test_what_was_written_is_there_after_a_restart(kind: type[EmbeddedServer], tmp_path: Path) -> None:
    with kind(tmp_path / "server") as server:
        remember(server)
    assert not server.running
    with kind(tmp_path / "server") as server:
        assert recall(server) == "kept"
        url = server.url
        server.stop()
        server.start()
        assert (server.url, recall(server)) == (url, "kept")


def test_only_the_user_can_read_the_password(server: EmbeddedServer) -> None:
    path = server.directory / "password"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() not in " ".join(psutil.Process(server.pid).cmdline())


def test_it_listens_on_loopback_only(server: EmbeddedServer) -> None:
    listening = [
        connection.laddr
        for connection in psutil.Process(server.pid).net_connections(kind="all")
        if connection.status == psutil.CONN_LISTEN or connection.family == socket.AF_UNIX
    ]
    assert listening == [(LOOPBACK, server.port)]


def test_postgres_accepts_only_the_roles_of_the_service(postgres: Postgres) -> None:
    secret = (postgres.directory / "password").read_text()
    for user, password in (
        ("pruneserve", ""),
        ("pruneserve", "wrong"),
        ("postgres", ""),
        ("postgres", secret),
    ):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(
                host=LOOPBACK, port=postgres.port, user=user, password=password, dbname="pruneserve"
            )
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SHOW is_superuser").fetchone() == ("off",)


def test_valkey_needs_the_password(valkey: Valkey) -> None:
    with redis.Redis(LOOPBACK, valkey.port) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must become somebody else")
def test_under_root_postgres_runs_as_another_user_and_opens_no_directory(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with Postgres(closed / "server") as server:
        assert psutil.Process(server.pid).uids().effective != 0
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_a_directory_has_one_owner(server: EmbeddedServer) -> None:
    with pytest.raises(EmbeddedError, match="in use by another process"):
        type(server)(server.directory).start()
    assert server.running


@SERVERS
def test_a_start_outside_the_main_thread_is_refused(kind: type[EmbeddedServer], tmp_path: Path) -> None:
    refused: list[EmbeddedError] = []

    def start() -> None:
        try:
            kind(tmp_path / "server").start()
        except EmbeddedError as error:
            refused.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert len(refused) == 1


@SERVERS
def test_a_server_dies_with_its_owner_and_keeps_its_data(kind: type[EmbeddedServer], tmp_path: Path) -> None:
    program = (
        "import sys, pathlib, time\n"
        f"from {kind.__module__} import {kind.__name__} as Server\n"
        "server = Server(pathlib.Path(sys.argv[1]))\n"
        "server.start()\n"
        "print(server.pid, server.port, flush=True)\n"
        "time.sleep(600)\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "server")], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    pid, port = map(int, owner.stdout.readline().split())
    killed = kind(tmp_path / "server", port=port)
    remember(killed)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    with kind(tmp_path / "server") as server:
        assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        assert recall(server) == "kept"


def test_roles_and_passwords_are_mended_by_a_start(tmp_path: Path) -> None:
    directory = tmp_path / "server"
    with Postgres(directory) as server:
        remember(server)
        drop_app_role(server)  # as where a first start was killed: the file is there
    with Postgres(directory) as server:
        assert app_user(server) == "pruneserve_app"
    for lost in ("app-password", "password"):
        (directory / lost).unlink()
    with Postgres(directory) as server:
        assert (app_user(server), recall(server)) == ("pruneserve_app", "kept")


def drop_app_role(server: Postgres) -> None:
    server.stop()
    server._run_alone(server.directory / "data", "DROP ROLE pruneserve_app;\n")


def app_user(server: Postgres) -> object:
    with psycopg.connect(server.app_url) as connection:
        row = connection.execute("SELECT current_user").fetchone()
        return row and row[0]


@pytest.mark.threat
def test_a_failing_statement_shows_no_password(tmp_path: Path) -> None:
    with Postgres(tmp_path / "server") as server:
        server.stop()
        again = "CREATE ROLE pruneserve LOGIN PASSWORD 'hush';\n"
        with pytest.raises(EmbeddedError, match="already exists") as failed:
            server._run_alone(server.directory / "data", again)
    assert "hush" not in str(failed.value)


@pytest.mark.threat
def test_what_the_services_role_does_to_itself_is_undone(tmp_path: Path) -> None:
    with Postgres(tmp_path / "server") as server:
        with psycopg.connect(server.app_url) as connection:
            for change in ("SET statement_timeout = 1", "IN DATABASE pruneserve SET work_mem = '64kB'"):
                connection.execute(f"ALTER ROLE CURRENT_USER {change}")
            connection.execute("ALTER ROLE CURRENT_USER PASSWORD 'of a stranger'")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(server.app_url)
    with Postgres(tmp_path / "server") as server:
        migrations.upgrade(server.url, app_role=APP_ROLE)
        with psycopg.connect(server.app_url) as connection:
            assert connection.execute("SHOW statement_timeout").fetchone() == ("0",)
            assert connection.execute("SHOW work_mem").fetchone() == ("4MB",)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("SELECT lo_from_bytea(0, 'x')")
