"""The revisions run up and down, from several processes at once, and make what `jobs.tables` describes."""

import os
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
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


def test_alembic_finds_nothing_to_add(database_url: str) -> None:
    engine = create_engine(sqlalchemy_url(database_url))
    with engine.connect() as connection:
        assert differences(connection) == []
    engine.dispose()


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_server_default": True})
    return list(compare_metadata(context, Base.metadata))


def test_down_leaves_nothing_and_up_again_makes_the_same(empty_database_url: str) -> None:
    migrations.upgrade(empty_database_url)
    first = described(empty_database_url)
    migrations.downgrade(empty_database_url, "base")
    assert described(empty_database_url) == []
    migrations.upgrade(empty_database_url)
    assert described(empty_database_url) == first


def test_many_may_upgrade_at_once(empty_database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(migrations.upgrade, empty_database_url) for _ in range(4)]:
            done.result()
    assert described(empty_database_url)


def test_an_upgrade_that_has_waited_long_for_another_builds_its_indexes(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "_LOOK_SECONDS", 0.01)
    asked = Counter[str]()

    def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked[statement] += 1

    event.listen(Engine, "before_cursor_execute", count)
    try:
        with ThreadPoolExecutor(1) as pool, psycopg.connect(empty_database_url) as other:
            other.execute("SELECT pg_advisory_xact_lock(%s)", [migrations._LOCK])
            upgrade = pool.submit(migrations.upgrade, empty_database_url)
            while max(asked.values(), default=0) < 10:  # psycopg prepares what it has sent five times
                time.sleep(0.01)
            other.rollback()
            upgrade.result()
    finally:
        event.remove(Engine, "before_cursor_execute", count)
    assert described(empty_database_url)


def test_a_failed_upgrade_leaves_the_schema_as_it_was(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("CREATE TABLE workers (name text)")  # in the way of one of the tables
    with pytest.raises(Exception, match="already exists"):
        migrations.upgrade(empty_database_url)
    assert {table for _, table, _, _ in described(empty_database_url)} == {"workers"}


def test_an_upgrade_that_a_backup_keeps_waiting_gives_way_and_ends_later(empty_database_url: str) -> None:
    migrations.upgrade(empty_database_url, "0012")
    waiting = (
        "SELECT query_start FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'ALTER TABLE'"
    )
    tries = set()
    with ThreadPoolExecutor(1) as pool, psycopg.connect(empty_database_url) as backup:
        backup.execute("LOCK TABLE workers IN ACCESS SHARE MODE")  # what pg_dump holds
        upgrade = pool.submit(migrations.upgrade, empty_database_url)
        with psycopg.connect(empty_database_url, autocommit=True) as reader:
            while len(tries) < 2:
                tries |= {start for (start,) in reader.execute(waiting)}
                reader.execute("SELECT FROM workers")  # it is let through between two tries
        backup.rollback()
        upgrade.result()
    with psycopg.connect(empty_database_url) as after:
        newest = ScriptDirectory(str(Path(migrations.__file__).parent)).get_current_head()
        assert after.execute("SELECT version_num FROM alembic_version").fetchone() == (newest,)


def test_an_index_that_an_interrupted_upgrade_has_left_is_built_again(empty_database_url: str) -> None:
    migrations.upgrade(empty_database_url, "0024")
    expected = described(empty_database_url)
    migrations.downgrade(empty_database_url, "0023")
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE jobs ADD COLUMN needs jsonb")  # the first of its steps
        connection.execute(
            """
            INSERT INTO jobs (owner, spec, recipe_fingerprint, model, method, pattern, sparsity, state)
            SELECT 'ada', '{}', '', 'org/name', 'gblm', 'unstructured', 0.5, 'queued'
            FROM generate_series(1, 2)
            """
        )
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("CREATE UNIQUE INDEX CONCURRENTLY ix_jobs_unplaced ON jobs (owner)")
        assert any(name == "ix_jobs_unplaced" for _, _, name, _ in described(empty_database_url))
    migrations.upgrade(empty_database_url, "0024")
    assert described(empty_database_url) == expected


def test_jobs_of_classes_go_back_to_the_queue_that_the_release_before_reads(empty_database_url: str) -> None:
    migrations.upgrade(empty_database_url, "0024")
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(
            """
            INSERT INTO jobs (owner, spec, recipe_fingerprint, model, method, pattern, sparsity, state, queue,
                              dispatched_at)
            SELECT 'ada', '{}', '', 'org/name', 'gblm', 'unstructured', 0.5, state, queue, now()
            FROM (VALUES ('queued', 'gpu.24g'), ('queued', 'prune'), ('succeeded', 'gpu.24g'))
                 AS jobs (state, queue)
            """
        )
    migrations.downgrade(empty_database_url, "0023")
    with psycopg.connect(empty_database_url) as connection:
        rows = connection.execute("SELECT state, queue, dispatched_at IS NULL FROM jobs ORDER BY 1, 2, 3")
        assert rows.fetchall() == [
            ("queued", "prune", False),
            ("queued", "prune", True),
            ("succeeded", "gpu.24g", False),
        ]


def test_a_release_without_people_has_no_valid_key_of_one(empty_database_url: str) -> None:
    migrations.upgrade(empty_database_url, "0029")
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(
            """
            WITH person AS (
                INSERT INTO people (issuer, subject, name, holds_until, check_at)
                VALUES ('https://login.example', '1', 'ada', now(), now()) RETURNING id
            ), made AS (
                INSERT INTO api_keys (prefix, secret_sha256, owner, name, scopes, person_id)
                SELECT 'a', '', 'llm', 'of a person', '{}', id FROM person RETURNING id
            ), by_an_older_api AS (
                INSERT INTO api_keys (prefix, secret_sha256, owner, name, scopes, created_by)
                SELECT 'b', '', 'llm', 'made by it', '{}', id FROM made
            )
            INSERT INTO api_keys (prefix, secret_sha256, owner, name, scopes)
            VALUES ('c', '', 'llm', 'of a program', '{}')
            """
        )
    migrations.downgrade(empty_database_url, "0028")
    with psycopg.connect(empty_database_url) as connection:
        valid = connection.execute("SELECT name FROM api_keys WHERE revoked_at IS NULL")
        assert valid.fetchall() == [("of a program",)]


def test_an_old_server_is_refused_with_the_reason(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "_OLDEST_POSTGRES", 99)
    with pytest.raises(migrations.UnsupportedDatabase, match=r"PostgreSQL 99 or newer .* this server is 18"):
        migrations.upgrade(empty_database_url)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "migrations", *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_upgrades_and_downgrades(empty_database_url: str) -> None:
    assert run(DATABASE_URL=empty_database_url).returncode == 0
    assert described(empty_database_url)
    assert run("downgrade", "base", DATABASE_URL=empty_database_url).returncode == 0
    assert described(empty_database_url) == []


def test_the_command_says_what_it_needs() -> None:
    refused = run(DATABASE_URL="")
    assert refused.returncode != 0
    assert "DATABASE_URL" in refused.stderr


def migrate(url: str, *arguments: str) -> str:
    """Run `pruneserve-migrate`, which must fail, and return what it says."""
    command = [sys.executable, "-m", "migrations", *arguments]
    place = os.environ | {"DATABASE_URL": url}
    done = subprocess.run(command, env=place, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    return done.stderr


def test_what_keeps_a_migration_from_running_is_said_in_a_line(empty_database_url: str) -> None:
    nobody = make_url(empty_database_url).set(port=1).render_as_string(hide_password=False)
    [line] = migrate(nobody).splitlines()
    assert line.startswith("the database of DATABASE_URL cannot be used: connection")
    assert "port 1 failed: Connection refused" in line
    assert migrate(empty_database_url, "--app-role", "nobody_at_all") == (
        '--app-role nobody_at_all: role "nobody_at_all" does not exist; create that role first\n'
    )


def test_a_role_that_may_not_change_the_schema_is_told_to_use_the_owner(empty_database_url: str) -> None:
    with psycopg.connect(libpq_url(empty_database_url)) as owner:
        owner.execute("REVOKE CREATE ON SCHEMA public FROM pg_database_owner")
    assert migrate(empty_database_url) == (
        "the role of DATABASE_URL may not change the schema: permission denied for schema public; "
        "connect as the role that owns it\n"
    )
