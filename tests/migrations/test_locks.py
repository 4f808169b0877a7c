"""A revision keeps nobody from a large table: the linter squawk reads the SQL of each."""

import io
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory

import migrations

SQUAWK = Path(sys.executable).with_name("squawk")
LAST_BEFORE = "0017"
"""Up to here, revisions are older than the rule; what they scan in a lock are tables with few rows."""

NO_QUESTION_OF_LOCKS = (
    "ban-drop-column",  # what contracts the schema, a release after nothing reads it
    "ban-drop-table",
    "ban-uncommitted-transaction",  # of the SQL that Alembic writes where indexes are built concurrently
    "prefer-bigint-over-int",
    "prefer-robust-stmts",
    "require-statement-timeout",
    "require-timeout-settings",  # `migrations` sets them
    "transaction-nesting",
)
COPIES_ROWS = re.compile(r"^\s*(UPDATE|DELETE|LOCK|TRUNCATE)\b", re.IGNORECASE | re.MULTILINE)

SCRIPTS = ScriptDirectory(str(Path(migrations.__file__).parent))
REVISIONS = [script for script in reversed([*SCRIPTS.walk_revisions()]) if script.revision > LAST_BEFORE]


def sql_of(module: ModuleType) -> str:
    """Return the statements of a revision's upgrade."""
    written = io.StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql", opts={"as_sql": True, "output_buffer": written}
    )
    with Operations.context(context):
        module.upgrade()
    return written.getvalue()


def found(sql: str) -> list[str]:
    """Return the rules that statements break."""
    command = [SQUAWK, "--pg-version=18.0", "--reporter=gcc", "--stdin-filepath=revision.sql"]
    excluded = [f"--exclude={rule}" for rule in NO_QUESTION_OF_LOCKS]
    done = subprocess.run([*command, *excluded], input=sql, text=True, capture_output=True, check=False)
    rules = re.findall(r"(?:warning|error): ([a-z-]+) ", done.stdout)
    assert rules or done.returncode == 0, done.stderr
    return [*rules, *("copies-rows" for _ in COPIES_ROWS.findall(sql))]


@pytest.mark.parametrize("revision", REVISIONS, ids=lambda script: script.revision)
def test_a_revision_locks_no_table_that_is_in_use(revision: Script) -> None:
    assert found(sql_of(revision.module)) == []


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("CREATE INDEX ix ON jobs (owner)", "require-concurrent-index-creation"),
        ("ALTER TABLE jobs ADD COLUMN at timestamptz DEFAULT clock_timestamp()", "adding-field-with-default"),
        ("ALTER TABLE jobs ADD COLUMN key uuid DEFAULT uuidv7()", "adding-field-with-default"),
        ("ALTER TABLE jobs ALTER COLUMN kl SET NOT NULL", "adding-not-nullable-field"),
        ("ALTER TABLE jobs ADD COLUMN name text NOT NULL", "adding-required-field"),
        ("ALTER TABLE jobs ADD CONSTRAINT ck CHECK (kl > 0)", "constraint-missing-not-valid"),
        ("ALTER TABLE jobs ADD CONSTRAINT u UNIQUE (owner)", "disallowed-unique-constraint"),
        ("ALTER TABLE a ADD CONSTRAINT fk FOREIGN KEY (b) REFERENCES c", "adding-foreign-key-constraint"),
        ("ALTER TABLE jobs ALTER COLUMN owner TYPE varchar(80)", "changing-column-type"),
        ("ALTER TABLE jobs RENAME COLUMN owner TO who", "renaming-column"),
        ("UPDATE jobs SET kl = 0", "copies-rows"),
    ],
)
def test_what_would_lock_a_table_is_refused(statement: str, rule: str) -> None:
    assert rule in found(f"{statement};")


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE jobs ADD COLUMN note text DEFAULT 'x' NOT NULL",
        "ALTER TABLE jobs ADD CONSTRAINT ck CHECK (kl > 0) NOT VALID",
        "CREATE INDEX CONCURRENTLY ix ON jobs (owner)",
        "CREATE TABLE fresh (id bigint NOT NULL, at timestamptz DEFAULT clock_timestamp(), PRIMARY KEY (id))",
    ],
)
def test_what_locks_nothing_for_long_is_allowed(statement: str) -> None:
    assert found(f"{statement};") == []
