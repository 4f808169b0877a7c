"""The revisions make what `jobs.tables` describes, from several processes at once, or refuses."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

import migrations
from jobs.database import libpq_url, sqlalchemy_url
from jobs.tables import Base

# All columns, indexes and constraints, as PostgreSQL describes them.
DESCRIPTION = """
    SELECT 'column', table_name, column_name,
           concat_ws(' ', data_type, udt_name, is_nullable, column_default)
      FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
    UNION ALL
    SELECT 'index', tablename, indexname, indexdef
      FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'
    UNION ALL
    SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
      FROM pg_constraint
     WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'
    ORDER BY 1, 2, 3
"""


def described(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(libpq_url(url)) as connection:
        return connection.execute(DESCRIPTION).fetchall()


def test_the_migrations_make_what_the_tables_describe(database_url: str, empty_database_url: str) -> None:
    engine = create_engine(sqlalchemy_url(empty_database_url))
    Base.metadata.create_all(engine)
    engine.dispose()
    assert described(database_url) == described(empty_database_url)


def test_many_may_upgrade_at_once(empty_database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(migrations.upgrade, empty_database_url) for _ in range(4)]:
            done.result()
    assert described(empty_database_url)


def test_a_failed_upgrade_does_not_change_the_schema(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("CREATE TABLE workers (name text)")  # in the way of one of the tables
    with pytest.raises(Exception, match="already exists"):
        migrations.upgrade(empty_database_url)
    assert {table for _, table, _, _ in described(empty_database_url)} == {"workers"}


@pytest.fixture
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the revisions, which this process runs."""
    copy = tmp_path / "migrations"
    shutil.copytree(Path(migrations.__file__).parent, copy)
    monkeypatch.setattr(migrations, "VERSIONS", copy / "versions")
    migrations.schema_digest.cache_clear()
    yield copy / "versions"
    migrations.schema_digest.cache_clear()


def test_a_schema_of_another_origin_is_refused_before_anything_is_changed(
    empty_database_url: str, versions: Path
) -> None:
    with (versions / "0001_initial.sql").open("a") as file:
        file.write("CREATE TABLE since_removed (id bigint);\n")
    migrations.upgrade(empty_database_url)
    before = described(empty_database_url)
    assert ("column", "since_removed") in {entry[:2] for entry in before}
    refused = migrate(empty_database_url)
    assert f"revision 0001, digest {migrations.schema_digest()[:12]}" in refused
    assert "Use the version that made it or a newer one, or an empty database" in refused
    assert described(empty_database_url) == before


def test_a_new_revision_is_applied_to_an_older_schema_and_refused_by_an_older_version(
    database_url: str, versions: Path
) -> None:
    module = (versions / "0001_initial.py").read_text()
    (versions / "0002_notes.py").write_text(
        module.replace("None", '"0001"', 1).replace('"0001"', '"0002"', 1)
    )
    (versions / "0002_notes.sql").write_text("CREATE TABLE notes (id bigint);\n")
    migrations.schema_digest.cache_clear()
    migrations.upgrade(database_url)
    migrations.upgrade(database_url)
    assert ("column", "notes") in {entry[:2] for entry in described(database_url)}
    assert "revision 0002" in migrate(database_url)


def test_a_schema_without_a_digest_is_refused(database_url: str) -> None:
    with psycopg.connect(libpq_url(database_url)) as connection:
        connection.execute("COMMENT ON TABLE alembic_version IS NULL")
        connection.execute("UPDATE alembic_version SET version_num = '0035'")
    with pytest.raises(migrations.UnsupportedDatabase, match="revision 0035, digest missing"):
        migrations.upgrade(database_url)


def test_an_unknown_revision_is_refused_although_its_digest_is_known(database_url: str) -> None:
    with psycopg.connect(libpq_url(database_url)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9f3c'")
    assert f"revision 9f3c, digest {migrations.schema_digest()[:12]}" in migrate(database_url)


def test_an_old_server_is_refused_with_the_reason(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "_MIN_POSTGRES", 99)
    with pytest.raises(migrations.UnsupportedDatabase, match=r"PostgreSQL 99 or newer .* this server is 18"):
        migrations.upgrade(empty_database_url)


def run(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "migrations", *arguments]
    place = os.environ | {"DATABASE_URL": url}
    return subprocess.run(command, env=place, capture_output=True, text=True, check=False)


def migrate(url: str, *arguments: str) -> str:
    """Run `pruneserve-migrate`, which must fail, and return what it says."""
    done = run(url, *arguments)
    assert done.returncode == 1
    return done.stderr


def test_the_command_makes_the_schema(empty_database_url: str) -> None:
    assert run(empty_database_url).returncode == 0
    assert described(empty_database_url)


def test_the_command_names_missing_settings() -> None:
    assert "DATABASE_URL" in migrate("")


def test_a_failed_migration_is_explained_in_a_line(empty_database_url: str) -> None:
    nobody = make_url(empty_database_url).set(port=1).render_as_string(hide_password=False)
    [line] = migrate(nobody).splitlines()
    assert line.startswith("the database of DATABASE_URL cannot be used: connection")
    assert "port 1 failed: Connection refused" in line
    assert migrate(empty_database_url, "--app-role", "nobody_at_all") == (
        '--app-role nobody_at_all: role "nobody_at_all" does not exist; create that role first\n'
    )


def test_a_role_without_rights_is_advised_to_use_the_owner(empty_database_url: str) -> None:
    with psycopg.connect(libpq_url(empty_database_url)) as owner:
        owner.execute("REVOKE CREATE ON SCHEMA public FROM pg_database_owner")
    assert migrate(empty_database_url) == (
        "the role of DATABASE_URL may not change the schema: permission denied for schema public; "
        "connect as the role that owns it\n"
    )
