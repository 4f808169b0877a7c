"""deploy/roles.sql on a real PostgreSQL: the roles of the compose file, from the secrets that it mounts."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

import migrations
from cli.embedded.postgres import Postgres, _binary
from jobs.tables import Base
from tools import compose_secrets

ROLES = Path(__file__).parents[1] / "deploy" / "roles.sql"
OF_THE_SUPERUSER = "as-the-image-sets-it"

pytestmark = [pytest.mark.slow, pytest.mark.threat]


class Server(Postgres):
    """A database server as the image of PostgreSQL leaves it: its superuser has a password."""

    @property
    def url(self) -> str:
        return f"postgresql://postgres:{OF_THE_SUPERUSER}@127.0.0.1:{self.port}/postgres"

    def _database(self) -> str:
        drop = "DROP ROLE pruneserve;\nDROP ROLE pruneserve_app;\n"
        return f"ALTER ROLE postgres PASSWORD '{OF_THE_SUPERUSER}';\n{drop}"

    def _confine_app_role(self, _data: Path) -> None:
        """Leave it to roles.sql."""

    def _is_ready(self) -> bool:
        return self.log.read_text().count("ready to accept connections") > 0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "server") as server:
        yield server


def test_the_app_role_uses_what_the_owner_has_migrated_and_changes_only_rows(
    server: Server, tmp_path: Path
) -> None:
    compose_secrets.main(tmp_path / "secrets")
    run_roles(server, tmp_path / "secrets")
    owner, app = (
        url_of(tmp_path / "secrets" / name, server) for name in ("database_owner_url", "database_url")
    )
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.url)

    migrations.upgrade(owner, app_role="pruneserve")
    with psycopg.connect(app) as connection:
        for table in Base.metadata.sorted_tables:
            connection.execute(f"SELECT * FROM {table.name}")  # noqa: S608 - our own names
        connection.execute("SELECT version_num FROM alembic_version")
        connection.execute("INSERT INTO workers (name, queue) VALUES ('w', 'prune')")
        connection.execute("UPDATE workers SET queue = 'other'")
        connection.execute("DELETE FROM workers")
    for statement in (
        "CREATE TABLE more ()",
        "DROP TABLE jobs",
        "CREATE ROLE more",
        "CREATE TEMPORARY TABLE more ()",
        "SELECT lo_creat(-1)",
        "SELECT lo_create(0)",
        "SELECT lo_from_bytea(0, 'x')",
        "SELECT lo_import('/etc/passwd')",
    ):
        with psycopg.connect(app) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)
    with psycopg.connect(app) as connection:
        connection.execute("ALTER ROLE CURRENT_USER SET statement_timeout = 1")
        connection.execute("ALTER ROLE CURRENT_USER IN DATABASE pruneserve SET statement_timeout = 2")
    migrations.upgrade(owner, app_role="pruneserve")
    with psycopg.connect(app) as connection:
        assert connection.execute("SHOW statement_timeout").fetchone() == ("0",)
    with psycopg.connect(owner) as connection:
        connection.execute("CREATE TABLE more ()")
        roles = connection.execute("SELECT rolname, rolsuper FROM pg_roles WHERE rolname LIKE 'pruneserve%'")
        assert sorted(roles) == [("pruneserve", False), ("pruneserve_owner", False)]


def test_a_dump_of_a_database_with_one_role_is_restored_by_the_owner(server: Server, tmp_path: Path) -> None:
    compose_secrets.main(tmp_path / "secrets")
    run_roles(server, tmp_path / "secrets")
    owner, app = (
        url_of(tmp_path / "secrets" / name, server) for name in ("database_owner_url", "database_url")
    )
    with Postgres(tmp_path / "earlier") as earlier:
        migrations.upgrade(earlier.url)
        with psycopg.connect(earlier.url) as connection:
            connection.execute("INSERT INTO workers (name, queue) VALUES ('w', 'prune')")
        dump = [_binary("pg_dump"), "--format=custom", "--dbname", earlier.url]
        dumped = subprocess.run(dump, check=True, capture_output=True).stdout
    restore = [_binary("pg_restore"), "--no-owner", "--no-privileges", "--exit-on-error", "--dbname", owner]
    subprocess.run(restore, input=dumped, check=True, capture_output=True)
    migrations.upgrade(owner, app_role="pruneserve")
    with psycopg.connect(app) as connection:
        assert connection.execute("SELECT name FROM workers").fetchall() == [("w",)]
        owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
        assert connection.execute(owners).fetchall() == [("pruneserve_owner",)]


def run_roles(server: Server, secrets: Path) -> None:
    script = ROLES.read_text().replace("/run/secrets", str(secrets))
    subprocess.run(
        [_binary("psql"), "--no-psqlrc", "--set=ON_ERROR_STOP=1", server.url],
        input=script,
        text=True,
        check=True,
        capture_output=True,
    )


def url_of(file: Path, server: Server) -> str:
    """The URL in a file, with the place of this server."""
    url = make_url(file.read_text().strip()).set(host="127.0.0.1", port=server.port)
    return url.render_as_string(hide_password=False)
