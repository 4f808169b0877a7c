"""Who may sign in, what they do then, and what is recorded of it."""

from datetime import timedelta

from fastapi.testclient import TestClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from jobs.tables import NOW, AuditRecord, Person

GROUPS = {
    "llm-team": ("llm", "writer"),
    "llm-guests": ("llm", "reader"),
    "vision": ("vision", "writer"),
    "sre": ("platform", "admin"),
}
ORIGIN = {"Origin": "http://testserver"}


def make_key(client: TestClient, *scopes: str, owner: str | None = None) -> str:
    """Make a key on the page; with an owner, over REST, as an admin does."""
    body = {"name": "ci", "scopes": [*scopes]}
    if owner is None:
        page = client.post("/settings/keys", data=body, headers=ORIGIN)
        return page.text.partition('<code class="mono">')[2].partition("</code>")[0]
    return client.post("/v1/keys", json=body | {"owner": owner}, headers=ORIGIN).json()["key"]


def works(client: TestClient, key: str) -> bool:
    headers = {"Authorization": f"Bearer {key}"}
    return TestClient(client.app).get("/v1/jobs", headers=headers).status_code == 200


def is_signed_in(client: TestClient) -> bool:
    return client.get("/jobs").status_code == 200


def be_due(database: sessionmaker[Session]) -> None:
    with database.begin() as session:
        session.execute(update(Person).values(check_at=NOW - timedelta(seconds=1)))


def audited(database: sessionmaker[Session]) -> list[tuple[str, str | None]]:
    with database.begin() as session:
        rows = session.scalars(select(AuditRecord).order_by(AuditRecord.id)).all()
        told = [(row.action, row.owner or row.subject_owner) for row in rows]
    return [it for it in told if it[0] not in ("sign-in.failed", "key.created")]
