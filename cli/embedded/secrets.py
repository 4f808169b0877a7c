"""The secrets of `pruneserve up`: the first API key, the sign-in token, and the key that encrypts secrets."""

from pathlib import Path

from cryptography.fernet import Fernet
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from jobs.access import api_keys, page_sessions
from jobs.database import sqlalchemy_url
from jobs.secret_files import write_secret

OWNER = "local"


def sign_in_token(database_url: str, key_file: Path) -> str:
    """Return a token for one sign-in with the API key in `key_file`, which is created if it has none."""
    engine = create_engine(sqlalchemy_url(database_url), hide_parameters=True)
    try:
        with Session(engine) as session, session.begin():
            while (principal := api_keys.authenticate(session, _read(key_file))) is None:
                write_secret(key_file, api_keys.create(session, OWNER, "pruneserve up"))
            return page_sessions.create_link(session, principal.key_id)
    finally:
        engine.dispose()


def secret_key(key_file: Path) -> str:
    """Return the key that encrypts secrets in the database, created if there is none."""
    if not _read(key_file):
        write_secret(key_file, Fernet.generate_key().decode())
    return _read(key_file)


def _read(file: Path) -> str:
    return file.read_text(encoding="ascii").strip() if file.exists() else ""
