"""Who may sign in, what they do then, and what is recorded of it."""

from fastapi.testclient import TestClient
from sqlalchemy import select

from jobs.database import Database
from jobs.tables import AuditRecord
from tests.api.drive import ORIGIN

GROUPS = {
    "llm-team": ("llm", "writer"),
    "llm-guests": ("llm", "reader"),
    "vision": ("vision", "writer"),
    "sre": ("platform", "admin"),
}


def make_key(client: TestClient, *scopes: str) -> dict[str, str]:
    """Make a key in the session of a browser."""
    made = client.post("/v1/keys", json={"name": "ci", "scopes": [*scopes]}, headers=ORIGIN)
    return made.raise_for_status().json()


def works(client: TestClient, key: str) -> bool:
    headers = {"Authorization": f"Bearer {key}"}
    return TestClient(client.app).get("/v1/jobs", headers=headers).status_code == 200


def is_signed_in(client: TestClient) -> bool:
    return client.get("/jobs").status_code == 200


def audited(database: Database) -> list[tuple[str, str | None]]:
    with database.begin() as session:
        rows = session.scalars(select(AuditRecord).order_by(AuditRecord.id)).all()
        told = [(row.action, row.owner or row.subject_owner) for row in rows]
    return [it for it in told if it[0] not in ("sign-in.failed", "key.created")]
