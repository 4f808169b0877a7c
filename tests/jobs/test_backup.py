"""A restore drill: the database from its dump, the store from its copy, a check of every named file."""

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

import jobs.manage as administration
from cli.embedded.postgres import _binary
from jobs.database import Database, libpq_url
from jobs.lifecycle import attempt_files, lifecycle
from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.settings import Settings
from jobs.storage.store import Store, StoredFile, attempt_prefix
from jobs.tables import Upload, WebhookEndpoint
from jobs.webhooks import endpoints
from jobs.webhooks.endpoints import SecretBox
from tests.claims import take
from tests.conftest import Submit

REPORT = {"perplexity": {"dense": 10.0, "pruned": 12.5}, "sparsity": {"overall": 0.5}}
SHRINKS = bytes(range(64)) * 5000


@pytest.fixture
def admin(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str | None]:
    """Runs `pruneserve-manage` with these settings, and returns with what it exits."""

    def run(*arguments: str, **changed: object) -> str | None:
        now = settings.model_copy(update=changed)
        with monkeypatch.context() as patched:
            patched.setattr(administration, "settings", lambda: now)
            patched.setattr("sys.argv", ["pruneserve-manage", *arguments])
            try:
                administration.main()
            except SystemExit as end:
                return None if end.code is None else str(end.code)
        return None

    return run


@pytest.fixture
def filled(database: Database, settings: Settings, submit: Submit, tmp_path: Path) -> dict[str, str]:
    """The keys of a compressed and a plain file of a result, of a block of another job, and of an upload."""
    store, file = Store(settings.store_url), tmp_path / "file"
    keys: dict[str, str] = {}

    def put(name: str, key: str, content: bytes, *, compress: bool = False) -> StoredFile:
        file.write_bytes(content)
        keys[name] = key
        return store.put_file(key, file, compress=compress)

    done, running = (take(database, submit(), "w1", 3000) for _ in range(2))
    prefix = attempt_prefix(done.job_id, 1)
    results = [
        FinishedArtifact(name, stored.key, stored.size, stored.sha256, stored.stored_size)
        for name, stored in (
            ("model.safetensors", put("compressed", f"{prefix}/model", SHRINKS, compress=True)),
            ("config.json", put("plain", f"{prefix}/config", b"{}")),
        )
    ]
    assert results[0].stored_size is not None
    block = put("block", f"{attempt_prefix(running.job_id, 1)}/0", b"a block")
    upload = put("upload", "uploads/a.txt", b"a text")
    with database.begin() as session:
        assert lifecycle.succeed(session, done, REPORT, results)
        assert attempt_files.record_block(session, running, "prune", 0, block, {})
        row = {"owner": "ada", "name": "n", "format": "txt", "size": upload.size, "key": upload.key}
        session.add(Upload(**row, sha256=upload.sha256))
    return keys


def test_a_restored_backup_has_every_file_that_a_row_names(
    filled: dict[str, str],
    admin: Callable[..., str | None],
    settings: Settings,
    empty_database_url: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    dump = [
        _binary("pg_dump"),
        "--format=custom",
        "--dbname",
        libpq_url(settings.database_url.get_secret_value()),
    ]
    dumped = subprocess.run(dump, check=True, capture_output=True).stdout
    store = Path(settings.store_url.removeprefix("file://"))
    shutil.copytree(store, tmp_path / "copy")
    for key in filled.values():  # the disaster
        (store / key).unlink()
    restore = [
        _binary("pg_restore"),
        "--exit-on-error",
        "--no-owner",
        "--dbname",
        libpq_url(empty_database_url),
    ]
    subprocess.run(restore, input=dumped, check=True, capture_output=True)
    restored = {"database_url": SecretStr(empty_database_url), "store_url": f"file://{tmp_path}/copy"}
    assert admin("backup-check", **restored) is None
    assert capsys.readouterr().out == "4 files are named, and the store has each of them as it was written\n"

    with psycopg.connect(libpq_url(empty_database_url)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9f3c'")
    assert "made by a newer PruneServe" in str(admin("backup-check", **restored))
    with psycopg.connect(libpq_url(empty_database_url)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")

    copied = {name: tmp_path / "copy" / key for name, key in filled.items()}
    copied["plain"].write_bytes(b"[]")
    copied["compressed"].write_bytes(bytes(reversed(copied["compressed"].read_bytes())))
    copied["block"].write_bytes(b"a bloc")
    copied["upload"].unlink()
    assert admin("backup-check", **restored) == "4 of 4 named files are missing or damaged"
    said = dict(line.split(" ", 1) for line in capsys.readouterr().out.splitlines())
    assert said.keys() == set(filled.values())
    assert said[filled["upload"]] == "is missing"
    assert said[filled["block"]] == "has 6 bytes in place of 7"
    other, own = (hashlib.sha256(content).hexdigest() for content in (b"[]", b"{}"))
    assert said[filled["plain"]] == f"has the SHA-256 {other} in place of {own}"
    assert admin("backup-check", "--sizes-only", **restored) == "2 of 4 named files are missing or damaged"


def test_a_key_that_encrypts_secrets_is_replaced(
    database: Database, admin: Callable[..., str | None], capsys: pytest.CaptureFixture[str]
) -> None:
    old, new, lost = (SecretStr(Fernet.generate_key().decode()) for _ in range(3))
    with database.begin() as session:
        _, secret = endpoints.create(session, SecretBox([old]), "ada", "https://a.example", [])
        endpoints.create(session, SecretBox([old]), "ada", "https://b.example", [])
    assert (
        admin("reencrypt", secret_keys=())
        == "set PRUNESERVE_SECRET_KEYS: the new key first, then the old ones"
    )
    assert admin("reencrypt", secret_keys=(new, old)) is None
    assert capsys.readouterr().out == "2 secrets are encrypted with the first key now\n"
    assert admin("reencrypt", secret_keys=(new,)) is None  # the old key is not needed any more
    assert capsys.readouterr().out == "2 secrets are encrypted with the first key now\n"
    with database.begin() as session:
        first = session.query(WebhookEndpoint).order_by(WebhookEndpoint.id).first()
        assert first is not None
        assert SecretBox([new]).decrypt(first.secret) == secret
    said = admin("reencrypt", secret_keys=(lost,))
    assert (
        said
        == "2 secrets stay as they are: none of the keys decrypts them; put the key that encrypted them last"
    )
