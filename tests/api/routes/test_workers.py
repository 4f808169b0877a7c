"""The list of workers, for keys with the scope `admin`."""

from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from jobs.access.api_keys import Scope
from jobs.fleet import dispatch_queue, quarantine
from tests.api.drive import ClientOf


def test_a_quarantined_worker_comes_first_and_says_why(
    client: TestClient, database: sessionmaker[Session]
) -> None:
    with database.begin() as session:
        for name in ("a", "b"):
            dispatch_queue.worker_seen(session, name, "prune")
        quarantine.quarantine(session, "b", "prune", "its work directory cannot be written (EROFS)")
    sick, well = client.get("/v1/workers").json()["items"]
    assert (sick["name"], sick["fault"]) == ("b", "its work directory cannot be written (EROFS)")
    assert sick["quarantined_at"] >= sick["started_at"]
    assert (well["name"], well["quarantined_at"], well["faults"], well["fault"]) == ("a", None, 0, None)


def test_an_ordinary_key_does_not_see_the_machines(client_of: ClientOf) -> None:
    ordinary = client_of(scopes=[Scope.JOBS_READ, Scope.JOBS_WRITE])
    assert ordinary.get("/v1/workers").status_code == 403
